"""The compression of a WebSocket's messages (permessage-deflate, RFC 7692), with support for final blocks.

A server may mark a DEFLATE block as final (BFINAL) and still send more (7.2.3.4). websockets' decompressor ends with
such a block; here, a new decompressor reads what follows.
"""

import zlib
from collections.abc import Sequence
from dataclasses import replace

from websockets.exceptions import ProtocolError
from websockets.extensions.base import Extension
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory, PerMessageDeflate
from websockets.frames import Frame
from websockets.typing import ExtensionParameter

_TAIL = b"\x00\x00\xff\xff"
"""The end of each compressed message, which the sender leaves out and the receiver adds (RFC 7692, 7.2.2)."""
_WINDOW = 32_768
"""How many bytes back compressed data may refer."""


class _Deflate(PerMessageDeflate):
    """permessage-deflate that reads on behind a final block."""

    def decode(self, frame: Frame, *, max_size: int | None = None) -> Frame:
        """Decompress a frame; websockets calls it."""
        frame = super().decode(frame, max_size=max_size)
        decoder = getattr(self, "decoder", None)  # without context takeover, there is none between messages
        while decoder is not None and decoder.eof:
            rest, data = decoder.unused_data, bytes(frame.data)
            decoder = self.decoder = zlib.decompressobj(-self.remote_max_window_bits, zdict=data[-_WINDOW:])
            if rest not in (b"", _TAIL):
                frame = replace(frame, data=data + self._decompress(rest, max_size))
        return frame

    def _decompress(self, rest: bytes, max_size: int | None) -> bytes:
        """Decompress the bytes that follow a final block."""
        try:
            more = self.decoder.decompress(rest, max_size or 0)
        except zlib.error as exc:
            raise ProtocolError("decompression failed") from exc
        if self.decoder.unconsumed_tail:
            raise ProtocolError("too much behind the last block")
        return more


class DeflateFactory(ClientPerMessageDeflateFactory):
    """Offers this compression in the handshake."""

    def process_response_params(
        self, params: Sequence[ExtensionParameter], accepted_extensions: Sequence[Extension]
    ) -> PerMessageDeflate:
        """Make the extension from the parameters that the server agreed to; websockets calls it."""
        agreed = super().process_response_params(params, accepted_extensions)
        return _Deflate(
            agreed.remote_no_context_takeover,
            agreed.local_no_context_takeover,
            agreed.remote_max_window_bits,
            agreed.local_max_window_bits,
            agreed.compress_settings,
        )
