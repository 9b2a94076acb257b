"""A server side on this machine: fal's "HTTP over WebSockets" and its queue for any ASGI app, and local models.

The folder stands apart: it imports nothing from the client in the rest of the package, so that the two can be
tested against each other. Importing it is cheap: servers and models are imported by the modules that need
them. Begin with `gateway`, or with `queue`.
"""
