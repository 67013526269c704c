"""The three reads by which a client learns from a token who it is and which workspaces it has."""

from .accounts import SimAccount, SimSpace
from .shapes import Json, Wrapping, wrap


def load_user_content(account: SimAccount, wrapping: Wrapping) -> Json:
    people = (account, *account.others)
    record_map: Json = {"__version__": 3}
    for person in people:
        for table, records in _tables(person, wrapping).items():
            record_map.setdefault(table, {}).update(records)
    return {"recordMap": record_map}


def get_spaces(account: SimAccount, wrapping: Wrapping) -> Json:
    """Keyed by user id, without a record map; views are bare pointers here."""
    return {person.user_id: _spaces_of(person, wrapping) for person in (account, *account.others)}


def get_spaces_initial(account: SimAccount, wrapping: Wrapping) -> Json:
    people = (account, *account.others)
    wanted = ("notion_user", "user_root", "space", "space_view")
    tables = {person.user_id: _tables(person, wrapping) for person in people}
    return {"users": {id: {name: t[name] for name in wanted} for id, t in tables.items()}}


def _spaces_of(person: SimAccount, wrapping: Wrapping) -> Json:
    tables = _tables(person, wrapping)
    return {
        "__version__": 3,
        "notion_user": tables["notion_user"],
        "space_view": {s.view_id: {"spaceId": s.id} for s in person.spaces},
        "space": {id: {"spaceId": id, **record} for id, record in tables["space"].items()},
    }


def _tables(person: SimAccount, wrapping: Wrapping) -> dict[str, Json]:
    id, views = person.user_id, [s.view_id for s in person.spaces]
    pointers = [{"table": "space_view", "id": s.view_id, "spaceId": s.id} for s in person.spaces]
    present = [s for s in person.spaces if not s.gone]
    root = {"id": id, "space_views": views, "space_view_pointers": pointers}
    settings = {"settings": {"time_zone": person.time_zone}}
    return {
        "notion_user": {id: wrap(_user(person), wrapping, "reader")},
        "user_root": {id: wrap(root, wrapping)},
        "space": {s.id: wrap(_space(s), wrapping) for s in present},
        "space_view": {s.view_id: wrap(_view(s, person), wrapping) for s in present},
        "user_settings": {id: wrap(settings, wrapping)},
    }


def _user(person: SimAccount) -> Json:
    given, _, family = person.name.partition(" ")
    return {
        "id": person.user_id,
        "email": person.email,
        "name": person.name,
        "given_name": given,
        "family_name": family,
    }


def _space(space: SimSpace) -> Json:
    settings = (
        {}
        if space.ai is None
        else {"enable_ai_feature": space.ai, "disable_ai_feature": not space.ai}
    )
    return {
        "id": space.id,
        "name": space.name,
        "domain": "".join(c for c in space.name.lower() if c.isalnum()),
        "plan_type": space.plan,
        "subscription_tier": space.tier,
        "settings": settings,
    }


def _view(space: SimSpace, person: SimAccount) -> Json:
    return {
        "id": space.view_id,
        "space_id": space.id,
        "parent_id": person.user_id,
        "parent_table": "user_root",
        "alive": True,
        "joined": True,
    }
