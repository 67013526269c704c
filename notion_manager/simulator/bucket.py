"""Where uploaded files are, and the tasks that read them."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(slots=True)
class Upload:
    """A file from its ticket on. `data` is None until the bucket has it."""

    owner: str
    space_id: str
    thread_id: str
    content_type: str
    size: int
    url: str
    fields: Mapping[str, str]
    data: bytes | None = None

    def seen(self, name: str) -> str:
        """What a model could tell of it."""
        digest = hashlib.sha256(self.data or b"").hexdigest()[:8]
        return f"{name} ({self.content_type}, {self.size} bytes, sha256 {digest})"


@dataclass(slots=True)
class Task:
    upload: Upload
    left: float
    """Looks that still find it running."""


@dataclass(slots=True)
class Bucket:
    """All files of one simulator, by the key in the bucket and by their `attachment:` URL."""

    by_key: dict[str, Upload] = field(default_factory=dict[str, Upload])
    tasks: dict[str, Task] = field(default_factory=dict[str, Task])
    refused: int = 0
    """Forms that the bucket refused because a scenario asked for it."""
    overlooked: int = 0
    """Looks at a task that failed for the same reason."""

    def at(self, url: str) -> Upload | None:
        return next((each for each in self.by_key.values() if each.url == url), None)
