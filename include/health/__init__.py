"""Whether the installation works: what `/corvana/health` and `corvana health` answer."""
