"""Where pyserial looks for the addresses of virtual pumps, once there is one.

pyserial imports ``protocol_SCHEME`` from the packages in ``serial.protocol_handler_packages``.
"""
