"""The report of a connection: one page about its published marts, for people who would rather look.

Everything on it is read from the marts of one generation; nothing is read from a warehouse.
"""
