"""The control API: whatever a test suite or a page asks of the pumps of a house, over HTTP.

Versioned, described by an OpenAPI document that is made from what checks the requests, and refused
in problem details (RFC 9457). It knows rooms and the door's commands, and no page.
"""
