"""`make demo`: the whole product on this machine, from a stand-in Sentry to published marts."""
