"""Conversations that are not wanted any more, as the service takes them out of sight."""

from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from .account import Account

_GONE = {"alive": False, "current_inference_id": None, "current_inference_lease_expiration": None}


def ask_deletion(thread_ids: Sequence[str], account: Account, ids: Iterator[str]) -> bytes:
    """One transaction a thread, so that one that cannot be deleted keeps no other."""
    return orjson.dumps(
        {
            "requestId": next(ids),
            "transactions": [_deletion(thread, account, next(ids)) for thread in thread_ids],
            "unretryable_error_behavior": "continue",
        }
    )


def _deletion(thread_id: str, account: Account, id: str) -> dict[str, Any]:
    pointer = {"table": "thread", "id": thread_id, "spaceId": account.space_id}
    operation: dict[str, Any] = {"pointer": pointer, "path": [], "command": "update"}
    return {
        "id": id,
        "spaceId": account.space_id,
        "debug": {"userAction": "assistantChatHistoryItem.deleteInferenceChatTranscript"},
        "operations": [operation | {"args": _GONE}],
    }
