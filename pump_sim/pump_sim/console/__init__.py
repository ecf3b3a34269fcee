"""The training room: a pump, what is played on it, and the web pages and the API around it.

It comes with the extra ``pump-sim[console]``; ``pump-sim console`` opens it.
"""
