"""The model in hand: read, checked, edited, run.

ONNX Runtime is told here, before any module below imports it, to collect nothing: by default it keeps a database of
what it ran in the user's home, a file in the temporary folder, and sends it away.
"""

from __future__ import annotations

import os

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
