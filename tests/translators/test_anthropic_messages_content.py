"""What the blocks of Messages requests come to, and their tools."""

from typing import Any

import jsonschema
import pytest
from anthropic.types.beta import BetaMemoryTool20250818Command
from msgspec.structs import replace
from pydantic import TypeAdapter

from notion_manager.turn import (
    File,
    FileLink,
    Found,
    Search,
    Source,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolReference,
    ToolResult,
)
from tests.files import KINDS, PDF, PNG, base64, data_url, png
from tests.translators.messages_requests import (
    TEXT,
    TOOL,
    USER,
    content,
    decode,
    ignored,
    refusal,
    turn,
)

BLOCK = "messages[0].content[0]"
PICTURE = {"type": "base64", "media_type": "image/png", "data": base64(KINDS["image/png"])}


@pytest.mark.parametrize("kind", ["image/png", "image/jpeg", "image/gif", "image/webp"])
def test_rule_21_pictures_come_as_bytes(kind: str) -> None:
    source = {"type": "base64", "media_type": kind, "data": base64(KINDS[kind])}
    assert content({"type": "image", "source": source}) == (
        File(kind, KINDS[kind], path=f"{BLOCK}.source"),
    )


def test_rule_21_pictures_come_as_links() -> None:
    url = "https://example.test/a.png"
    assert content({"type": "image", "source": {"type": "url", "url": url}}) == (
        FileLink(url, path="messages[0].content[0].source.url"),
    )


@pytest.mark.parametrize("kind", ["image", "document"])
def test_rule_21_a_link_may_hold_its_file(kind: str) -> None:
    source = {"type": "url", "url": data_url("image/png", PNG)}
    assert content({"type": kind, "source": source}) == (
        File("image/png", PNG, path=f"{BLOCK}.source.url"),
    )


@pytest.mark.parametrize("kind", ["image", "document"])
def test_a_file_that_another_service_stores_is_refused_by_its_path(kind: str) -> None:
    block = {"type": kind, "source": {"type": "file", "file_id": "file_1"}}
    message = refusal(messages=[{"role": "user", "content": [block]}])
    assert message.startswith(
        "messages[0].content[0].source.file_id: this file is stored by another"
    )


@pytest.mark.parametrize("data", ["%", "iVBOR", "é"])
def test_a_picture_that_is_not_base64_is_refused(data: str) -> None:
    source = {"type": "base64", "media_type": "image/png", "data": data}
    message = refusal(messages=[{"role": "user", "content": [{"type": "image", "source": source}]}])
    assert message == "messages[0].content[0].source.data: not valid base64"


def test_rule_4_a_picture_of_tens_of_megabytes_is_accepted() -> None:
    picture = png(ballast=18 << 20)
    source = {"type": "base64", "media_type": "image/png", "data": base64(picture)}
    assert content({"type": "image", "source": source}) == (
        File("image/png", picture, path=f"{BLOCK}.source"),
    )


def test_rule_21_documents_come_as_bytes_or_links() -> None:
    pdf = {"type": "base64", "media_type": "application/pdf", "data": base64(PDF)}
    link = {"type": "url", "url": "https://example.test/a.pdf"}
    found = content(*({"type": "document", "title": "T", "source": s} for s in (pdf, link)))
    where = "messages[0].content[1].source.url"
    assert found == (
        File("application/pdf", PDF, "T", f"{BLOCK}.source"),
        FileLink("https://example.test/a.pdf", "application/pdf", "T", where),
    )


def test_rule_21_a_document_that_is_text_already_is_text() -> None:
    source = {"type": "text", "media_type": "text/plain", "data": "body"}
    named = {"type": "document", "title": "T", "context": "from mail", "source": source}
    assert content(named, {"type": "document", "source": source}) == (
        Text("T\nfrom mail\n\nbody"),
        Text("body"),
    )


def test_rule_21_a_document_of_blocks_is_those_blocks() -> None:
    image = {"type": "image", "source": {"type": "url", "url": "https://u"}}
    nested = {
        "type": "document",
        "title": "T",
        "source": {"type": "content", "content": [TEXT, image]},
    }
    plain = {"type": "document", "source": {"type": "content", "content": "y"}}
    where = "messages[0].content[0].source.content[1].source.url"
    assert content(nested, plain) == (
        Text("T"),
        Text("x"),
        FileLink("https://u", path=where),
        Text("y"),
    )


def test_rule_21_search_results_keep_their_source() -> None:
    result = {
        "type": "search_result",
        "source": "https://e.test",
        "title": "T",
        "content": [TEXT, TEXT],
    }
    assert content(result) == (Text("T\nhttps://e.test\n\nx\n\nx"),)


def test_rule_21_rule_60_thinking_comes_back_with_or_without_a_signature() -> None:
    blocks = [
        {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
        {"type": "thinking", "thinking": "hm", "signature": ""},
        {"type": "thinking", "thinking": "", "signature": "c2ln"},
        {"type": "thinking", "thinking": "hm"},
        {"type": "thinking", "thinking": "", "signature": ""},
    ]
    assert content(*blocks) == (
        Thinking("hm", "c2ln"),
        Thinking("hm"),
        Thinking("", "c2ln"),
        Thinking("hm"),
    )


def test_rule_21_tool_calls_and_their_results() -> None:
    call = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"b": 1, "a": [None]}}
    bare = {"type": "tool_use", "id": "toolu_2", "name": "g"}
    said = [USER, {"role": "assistant", "content": [call, bare]}, USER]
    assert turn(messages=said).messages[1].parts == (
        ToolCall("toolu_1", "f", '{"b":1,"a":[null]}'),
        ToolCall("toolu_2", "g", "{}"),
    )


@pytest.mark.parametrize(
    ("given", "parts"),
    [
        ({}, ()),
        ({"content": None}, ()),
        ({"content": ""}, ()),
        ({"content": "x"}, (Text("x"),)),
        ({"content": [TEXT]}, (Text("x"),)),
        ({"content": [{"type": "tool_reference", "tool_name": "g"}]}, (ToolReference("g"),)),
        (
            {"content": [{"type": "image", "source": PICTURE}]},
            (File("image/png", KINDS["image/png"], path=f"{BLOCK}.content[0].source"),),
        ),
        ({"content": "x", "is_error": True}, (Text("x"),)),
    ],
)  # fmt: skip
def test_rule_19_rule_21_a_tool_result_has_any_content_or_none(given: Any, parts: Any) -> None:
    result = content({"type": "tool_result", "tool_use_id": "toolu_1", **given})
    assert result == (ToolResult("toolu_1", parts, failed="is_error" in given),)


def test_rule_21_what_a_web_search_found_stays_known() -> None:
    pages = [{"type": "web_search_result", "url": "https://e.test", "title": "T", "page_age": None}]
    found = {"type": "web_search_tool_result", "tool_use_id": "s", "content": pages}
    assert content(found, found | {"content": []}, TEXT) == (
        Found((), (Source("https://e.test", "T"),)),
        Found((), ()),
        Text("x"),
    )


def test_rule_21_a_summary_by_the_vendor_is_kept_where_it_can_be_read() -> None:
    blocks = [{"type": "compaction", "content": "so far"}, {"type": "compaction"}]
    exchange = decode(messages=[{"role": "user", "content": blocks}])
    assert exchange.turn.messages[0].parts == (Text("so far"),)
    assert ignored(exchange) == ("messages[0].content[1] (compaction)",)


def test_rule_21_blocks_that_cannot_be_passed_on_are_dropped_and_named() -> None:
    failed = {"type": "web_search_tool_result", "tool_use_id": "s", "content": {"error_code": "x"}}
    kinds = ["redacted_thinking", "server_tool_use", "mcp_tool_use", "block of tomorrow"]
    said = [
        USER,
        {"role": "assistant", "content": [TEXT, *({"type": k} for k in kinds), failed]},
        USER,
    ]
    exchange = decode(messages=said)
    assert exchange.turn.messages[1].parts == (Text("x"),)
    assert ignored(exchange) == (
        "messages[1].content[1] (redacted_thinking)",
        "messages[1].content[2] (server_tool_use)",
        "messages[1].content[3] (mcp_tool_use)",
        "messages[1].content[4] (block_of_tomorrow)",
        "messages[1].content[5] (web_search_tool_result)",
    )


def test_rule_21_a_block_inside_a_tool_result_is_dropped_by_its_path() -> None:
    result = {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "browser_state"}]}
    exchange = decode(messages=[{"role": "user", "content": [result]}])
    assert exchange.turn.messages[0].parts == (ToolResult("t", ()),)
    assert ignored(exchange) == ("messages[0].content[0].content[0] (browser_state)",)


# tools


def test_rule_22_a_tool_may_have_any_of_its_keys() -> None:
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object",
              "additionalProperties": False}  # fmt: skip
    full = {"type": "custom", "name": "f", "description": "d", "input_schema": schema,
            "cache_control": {"type": "ephemeral"}, "defer_loading": True, "strict": True,
            "eager_input_streaming": True, "input_examples": [], "allowed_callers": []}  # fmt: skip
    exchange = decode(tools=[full, {"name": "g"}])
    assert exchange.turn.tools == (
        Tool("f", "d", schema, strict=True, deferred=True),
        Tool("g", "", {"type": "object"}),
    )
    assert ignored(exchange) == ("tools[].input_examples", "tools[].allowed_callers")


def test_rule_22_tools_that_the_vendor_runs_are_named_and_not_refused() -> None:
    tools = [TOOL, {"type": "code_execution_20250825", "name": "code_execution"},
             {"type": "mcp_toolset", "mcp_server_name": "s"}]  # fmt: skip
    exchange = decode(tools=tools)
    assert [t.name for t in exchange.turn.tools] == ["f"]
    assert exchange.turn.search == Search()
    assert ignored(exchange) == (
        "tools[1] (code_execution_20250825)",
        "tools[2] (mcp_toolset)",
    )


@pytest.mark.parametrize(
    ("kind", "name", "inserted"),
    [
        ("text_editor_20241022", "str_replace_editor", "new_str"),
        ("text_editor_20250124", "str_replace_editor", "new_str"),
        ("text_editor_20250429", "str_replace_based_edit_tool", "insert_text"),
        ("text_editor_20250728", "str_replace_based_edit_tool", "insert_text"),
        ("memory_20250818", "memory", "insert_text"),
    ],
)
def test_rule_22_the_vendors_editors_are_offered_as_the_client_runs_them(
    kind: str, name: str, inserted: str
) -> None:
    exchange = decode(tools=[{"type": kind, "name": name}, {"type": kind, "strict": True}])
    named, bare = exchange.turn.tools
    assert isinstance(named, Tool)
    assert (named.name, bare.name) == (name, name)
    fields = named.schema["properties"]
    assert inserted in fields
    assert ("insert_text" in fields) == (inserted == "insert_text")
    assert ("undo_edit" in fields["command"]["enum"]) == (inserted == "new_str")
    assert bare == replace(named, strict=True)
    assert not ignored(exchange)


@pytest.mark.parametrize(
    "command",
    [
        {"command": "view", "path": "/memories", "view_range": [1, -1]},
        {"command": "create", "path": "/memories/a", "file_text": ""},
        {"command": "str_replace", "path": "/memories/a", "old_str": "a", "new_str": "b"},
        {"command": "insert", "path": "/memories/a", "insert_line": 0, "insert_text": "x"},
        {"command": "delete", "path": "/memories/a"},
        {"command": "rename", "old_path": "/memories/a", "new_path": "/memories/b"},
    ],
)
def test_rule_22_commands_of_the_memory_are_those_of_the_vendors_sdk(command: Any) -> None:
    (memory,) = turn(tools=[{"type": "memory_20250818", "name": "memory"}]).tools
    assert isinstance(memory, Tool)
    TypeAdapter(BetaMemoryTool20250818Command).validate_python(command)
    jsonschema.validate(command, memory.schema)


def test_rule_22_the_vendors_shell_is_offered_as_the_client_runs_it() -> None:
    (bash,) = turn(tools=[{"type": "bash_20250124", "name": "bash"}]).tools
    assert isinstance(bash, Tool)
    for given in ({"command": "ls"}, {"restart": True}):
        jsonschema.validate(given, bash.schema)


def test_a_choice_that_only_the_vendor_could_run_is_refused_by_its_name() -> None:
    tools = [TOOL, {"type": "code_execution_20250825", "name": "code_execution"}]
    message = refusal(tools=tools, tool_choice={"type": "tool", "name": "code_execution"})
    assert message == (
        "tool_choice.name: only the vendor can run code_execution (code_execution_20250825):"
        " choose another tool"
    )


@pytest.mark.parametrize("version", ["20250305", "20260209", "29990101"])
def test_rule_22_a_web_search_tool_asks_the_upstream_to_search(version: str) -> None:
    search = {"type": f"web_search_{version}", "name": "web_search", "max_uses": 8}
    exchange = decode(tools=[search])
    assert exchange.turn.tools == ()
    assert exchange.turn.search == Search(web=True)
    assert ignored(exchange) == ("tools[0].max_uses",)


def test_rule_23_the_placeholder_is_hidden_and_deferred_tools_are_marked() -> None:
    placeholder = {"name": "DeferredToolPlaceholder", "defer_loading": True}
    real = [TOOL | {"defer_loading": True}, {"name": "DeferredToolPlaceholder"}]
    tools = turn(tools=[placeholder, *real]).tools
    assert tools == (
        Tool("f", "", {"type": "object"}, deferred=True),
        Tool("DeferredToolPlaceholder", "", {"type": "object"}),
    )


def test_rule_61_long_names_and_rich_schemas_pass_unchanged() -> None:
    schema = {"type": "object", "properties": {"a": {"anyOf": [{"type": "string"}], "default": "x"},
              "b": {"type": "object", "properties": {}}}}  # fmt: skip
    (tool,) = turn(tools=[{"name": "n" * 64, "input_schema": schema}]).tools
    assert tool == Tool("n" * 64, "", schema)


@pytest.mark.parametrize(
    ("tool", "complaint"),
    [
        ("x", "tools[0]: expected an object"),
        ({}, "tools[0].name: required"),
        ({"name": ""}, "tools[0].name: must not be empty"),
        ({"name": "f", "input_schema": []}, "tools[0].input_schema: expected an object"),
    ],
)
def test_a_malformed_tool_is_refused_by_its_path(tool: Any, complaint: str) -> None:
    assert refusal(tools=[tool]).startswith(complaint)


@pytest.mark.parametrize(
    ("choice", "meant"),
    [
        (None, ToolChoice()),
        ({"type": "auto"}, ToolChoice()),
        (
            {"type": "any", "disable_parallel_tool_use": True},
            ToolChoice("required", parallel=False),
        ),
        ({"type": "tool", "name": "f"}, ToolChoice("required", "f")),
        ({"type": "none"}, ToolChoice("none")),
        ({"type": "tool", "name": "web_search"}, ToolChoice()),
    ],
)
def test_rule_25_a_tool_choice_of_each_kind(choice: Any, meant: ToolChoice) -> None:
    search = {"type": "web_search_20250305", "name": "web_search"}
    assert turn(tools=[TOOL, search], tool_choice=choice).tool_choice == meant


def test_rule_25_a_choice_among_the_vendors_tools_alone_is_left_to_the_model() -> None:
    search = {"type": "web_search_20250305", "name": "web_search"}
    assert turn(tools=[search], tool_choice={"type": "any"}).tool_choice == ToolChoice()


def test_a_choice_of_a_tool_that_is_not_there_is_refused() -> None:
    message = refusal(tools=[TOOL], tool_choice={"type": "tool", "name": "g"})
    assert message == "tool_choice.name: no tool with this name is offered"


def test_a_text_that_was_cut_at_its_citations_is_one_again() -> None:
    page = {"type": "web_search_result_location", "url": "https://e.test", "title": "T"}
    cited = [{**TEXT, "text": text, "citations": [page]} for text in ("One.", " Two.")]
    use = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "q"}}
    call = {"type": "tool_use", "id": "t", "name": "f", "input": {}}
    rest = {**TEXT, "text": " Three."}
    blocks = [use, *cited, rest, TEXT, *cited, call, *cited]
    said = [USER, {"role": "assistant", "content": blocks}, USER]
    exchange = decode(messages=said)
    assert exchange.turn.messages[1].parts == (
        Text("One. Two. Three."),
        Text("x"),
        Text("One. Two."),
        ToolCall("t", "f", "{}"),
        Text("One. Two."),
    )
    assert ignored(exchange) == ()
