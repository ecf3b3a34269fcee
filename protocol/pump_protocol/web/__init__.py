"""What the web pages of a pump and of a programmer share: an address, a gate, errors, a server.

Nothing here knows of pumps. It needs the packages of the extras `console` and `web`, so nothing
outside the pages imports it before they are asked for.
"""
