"""The environment variables: what each may be, what is said about a wrong one, and their page."""
