"""The pump itself: what is physically true (`hardware`) and what the pump believes (`firmware`).

It knows nothing of bytes, sockets, SimPy or the time of day. Start reading at `pump.py`.
"""
