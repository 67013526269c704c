"""Every endpoint but the inference: a function from a call to a reply, and the table of them."""

from collections.abc import Callable, Mapping

from . import bootstrap, catalogue, quota, uploads
from .accounts import SimAccount
from .call import Call
from .replies import Refused, Reply, invalid, page
from .shapes import Json, as_list, as_object, as_text, wrap
from .threads import Thread, operate

MOST_RECORDS = 100


Endpoint = Callable[[Call], Json]


def _load_user_content(call: Call) -> Json:
    return bootstrap.load_user_content(call.account, call.world.options.wrapping)


def _get_spaces(call: Call) -> Json:
    return bootstrap.get_spaces(call.account, call.world.options.wrapping)


def _get_spaces_initial(call: Call) -> Json:
    return bootstrap.get_spaces_initial(call.account, call.world.options.wrapping)


def _models(call: Call) -> Json:
    return catalogue.available(call.space())


def _pickable(call: Call) -> Json:
    return catalogue.pickable()


def _eligibility(call: Call) -> Json:
    return quota.eligibility(call.world.ledger, call.account, call.space())


def _eligibility_v2(call: Call) -> Json:
    return quota.eligibility_v2(call.world.ledger, call.account, call.space())


def _rate_limit(call: Call) -> Json:
    world = call.world
    return quota.rate_limit_status(world.ledger, call.account, call.space(), world.now_ms)


def _save(call: Call) -> Json:
    """Transactions: what names a foreign space is a 403, what cannot be done a 400."""
    transactions = call.body.get("transactions")
    if not isinstance(transactions, list):
        raise Refused(invalid(call.rng))
    for transaction in map(as_object, as_list(transactions)):
        for operation in map(as_object, as_list(transaction.get("operations"))):
            pointer = as_object(operation.get("pointer"))
            call.space(pointer.get("spaceId") or transaction.get("spaceId"))
            try:
                operate(call.world.threads, operation, call.account.user_id, call.world.now_ms)
            except LookupError as exc:
                raise Refused(invalid(call.rng, str(exc))) from exc
    return {}


def _sync(call: Call) -> Json:
    """Records by pointer. A record of somebody else shows that it exists, without its value.

    Raises Refused, also where a scenario makes the first reads fail.
    """
    threads = call.world.threads
    if threads.overlooked < call.scenario.number("records-502", "records-502" in call.scenario):
        threads.overlooked += 1
        raise Refused(page(502, "502 Bad Gateway", "<h1>502 Bad Gateway</h1>"))
    requests = call.body.get("requests")
    if not isinstance(requests, list) or len(as_list(requests)) > MOST_RECORDS:
        raise Refused(invalid(call.rng))
    record_map: Json = {"__version__": 3}
    for request in map(as_object, as_list(requests)):
        pointer = as_object(request.get("pointer")) or request
        table, id = as_text(pointer.get("table")), as_text(pointer.get("id"))
        record = _record(call, table, id)
        if record is not None:
            record_map.setdefault(table, {})[id] = record
    return {"recordMap": record_map}


def _record(call: Call, table: str, id: str) -> Json | None:
    user, threads = call.account.user_id, call.world.threads
    thread = threads.message(id, user) if table == "thread_message" else threads.known.get(id)
    if table not in {"thread", "thread_message"} or thread is None or not thread.saved:
        return None
    if thread.owner != user:
        return {"role": "none"}
    value = thread.value() if table == "thread" else thread.message_value(id)
    return {"spaceId": thread.space_id, **wrap(value, call.world.options.wrapping)}


def _transcripts(call: Call) -> Json:
    space = call.space(as_object(call.body.get("threadParentPointer")).get("id") or "")
    limit, start = call.body.get("limit"), as_text(call.body.get("cursor"))
    threads = call.world.threads.of(call.account.user_id, space.id)
    first = next((n for n, t in enumerate(threads) if t.id == start), 0)
    shown = threads[first : first + (limit if isinstance(limit, int) and limit > 0 else 50)]
    following = threads[first + len(shown) :]
    records = {t.id: wrap(t.value(), call.world.options.wrapping) for t in shown}
    return {
        "transcripts": [_summary(t, call.account) for t in shown],
        "threadIds": [t.id for t in shown],
        "unreadThreadIds": [t.id for t in shown if t.unread],
        "hasMore": bool(following),
        "nextCursor": following[0].id if following else None,
        "recordMap": {"__version__": 3, "thread": records},
    }


def _summary(thread: Thread, account: SimAccount) -> Json:
    return {
        "id": thread.id,
        "title": thread.title,
        "created_at": thread.created_ms,
        "updated_at": thread.updated_ms,
        "created_by_display_name": account.name,
        "type": thread.type,
    }


def _mark_seen(call: Call) -> Json:
    call.space()
    call.thread().unread = False
    return {"ok": True}


def _unread_count(call: Call) -> Json:
    threads = call.world.threads.of(call.account.user_id, call.space().id)
    return {"count": sum(t.unread for t in threads)}


def _thread_space(call: Call) -> Json:
    return {"spaceId": call.thread().space_id}


def _custom_agents(call: Call) -> Json:
    call.space()
    return {"agentIds": [], "activityScores": {}, "mostRecentTranscripts": []}


def _warm(call: Call) -> Json:
    call.space()
    return {}


ENDPOINTS: Mapping[str, Endpoint] = {
    "loadUserContent": _load_user_content,
    "getSpaces": _get_spaces,
    "getSpacesInitial": _get_spaces_initial,
    "getAvailableModels": _models,
    "getAiPickableModels": _pickable,
    "getAIUsageEligibility": _eligibility,
    "getAIUsageEligibilityV2": _eligibility_v2,
    "getCreditRateLimitStatus": _rate_limit,
    "saveTransactions": _save,
    "saveTransactionsFanout": _save,
    "saveTransactionsMain": _save,
    "syncRecordValuesMain": _sync,
    "syncRecordValuesSpaceInitial": _sync,
    "getInferenceTranscriptsForUser": _transcripts,
    "markInferenceTranscriptSeen": _mark_seen,
    "getInferenceTranscriptsUnreadCount": _unread_count,
    "getThreadSpaceId": _thread_space,
    "getCustomAgents": _custom_agents,
    "getUploadFileUrlForAssistantChatTranscriptUpload": uploads.ticket,
    "enqueueTask": uploads.enqueue,
    "getTasks": uploads.results,
    "getSignedFileUrls": uploads.signed_urls,
    "warmSearchCache": _warm,
    "warmVectorDBCache": _warm,
}


def answer(name: str, call: Call) -> Reply:
    """Raises Refused."""
    return Reply(200, ENDPOINTS[name](call))
