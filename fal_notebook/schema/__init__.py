"""Sans-I/O: what an endpoint takes and gives, as its OpenAPI document says, and what is wrong with arguments for it.

It may import media. A document comes from a server and may be broken, hostile or huge: reading it is bounded work.
Begin with `endpoint_schema`, the values; `reading` makes them of a document, and `checking` holds arguments against
them.
"""
