"""What a Responses request means, field by field."""

from typing import Any

import orjson
import pytest

from notion_manager.errors import BadRequest, Unsupported
from notion_manager.translators.exchange import Exchange
from notion_manager.translators.openai_responses import OpenAIResponses
from notion_manager.translators.openai_responses.reasoning import seal
from notion_manager.turn import (
    File,
    FileLink,
    FreeformTool,
    JsonOutput,
    Limits,
    Message,
    Part,
    Search,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from tests.files import PDF, PNG, base64, data_url

USER = {"role": "user", "content": "hi"}
FUNCTION = {"type": "function", "name": "f", "parameters": {"type": "object"}}
CUSTOM = {"type": "custom", "name": "c"}


def read(headers: dict[str, str] | None = None, **body: Any) -> OpenAIResponses:
    given = {"model": "m", "input": "hi", **body}
    return OpenAIResponses(orjson.dumps(given), Exchange("0" * 32, 0, headers=headers or {}))


def messages(*items: Any) -> tuple[Message, ...]:
    return read(input=list(items)).turn.messages


def user_parts(*parts: Any) -> tuple[Part, ...]:
    [message] = messages({"role": "user", "content": list(parts)})
    return message.parts


def ignored(**body: Any) -> tuple[str, ...]:
    return read(**body).ignored


def refusal(**body: Any) -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        read(**body)
    return caught.value


# input


@pytest.mark.parametrize("text", ["hi", ""])
def test_rule_44_a_string_is_what_the_user_says_even_an_empty_one(text: str) -> None:
    assert read(input=text).turn.messages == (Message("user", (Text(text),)),)


def test_rule_44_items_need_no_type() -> None:
    assert messages(USER) == messages({"type": "message", **USER}) == read().turn.messages


def test_rule_45_instructions_and_leading_system_items_are_the_system_text() -> None:
    turn = read(
        instructions="one",
        input=[
            {"role": "system", "content": "two"},
            {
                "type": "message",
                "role": "developer",
                "content": [
                    {"type": "input_text", "text": "three"},
                    {"type": "input_text", "text": ""},
                ],
            },
            USER,
        ],
    ).turn
    assert turn.system == "one\n\ntwo\n\nthree"
    assert turn.messages == (Message("user", (Text("hi"),)),)


def test_rule_45_later_system_items_stay_in_their_place() -> None:
    late = {"role": "developer", "content": "be brief"}
    turn = read(input=[USER, late, late, USER]).turn
    assert turn.system == ""
    assert [m.role for m in turn.messages] == ["user", "system", "user"]
    assert turn.messages[1].parts == (Text("be brief"), Text("be brief"))


def test_a_leading_system_item_with_more_than_text_stays_in_its_place() -> None:
    image = {"type": "input_image", "image_url": URL}
    turn = read(input=[{"role": "system", "content": [image]}, USER]).turn
    assert turn.messages[0] == Message("system", (File("image/png", PNG),))


def test_neighbours_of_one_side_are_one_message() -> None:
    said = messages(
        USER,
        {"role": "user", "content": "again"},
        {"role": "assistant", "content": "let me see"},
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
        {"type": "function_call", "call_id": "c2", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "1"},
        {"type": "function_call_output", "call_id": "c2", "output": "2"},
        USER,
    )
    assert [(m.role, len(m.parts)) for m in said] == [("user", 2), ("assistant", 3), ("user", 3)]


def test_instructions_alone_are_answered_as_if_the_user_said_nothing() -> None:
    assert read(instructions="say hi", input=[]).turn.messages == (Message("user", (Text(""),)),)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "input: nothing to answer: send a user message"),
        ([{"role": "user", "content": []}], "input: nothing to answer: send a user message"),
        (None, "input: required; expected a string or a list"),
        (3, "input: expected a list, got a number"),
        ([3], "input[0]: expected an object, got a number"),
        ([{}], "input[0].role: required; expected a string"),
        ([{"role": "tool", "content": ""}], "input[0].role: expected one of"),
        ([{"role": "user"}], "input[0].content: required; expected a string or a list"),
        ([{"role": "user", "content": [{"type": "input_text"}]}], "input[0].content[0].text: req"),
        ([{"type": "function_call", "name": "f", "arguments": "{}"}], "input[0].call_id: required"),
        ([{"type": "function_call", "call_id": "c"}], "input[0].name: required"),
        ([{"type": "function_call_output", "output": ""}], "input[0].call_id: required"),
        ([{"type": "local_shell_call_output", "output": ""}], "input[0].id: required"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_the_input_is_named_by_its_path(given: Any, message: str) -> None:
    assert str(refusal(input=given)).startswith(message)


@pytest.mark.parametrize(
    "last",
    [
        {"role": "assistant", "content": "so"},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
    ],
)
def test_a_conversation_that_ends_with_the_assistant_is_refused(last: dict[str, Any]) -> None:
    problem = refusal(input=[USER, last])
    assert problem.field == "input"
    assert "end with a user message" in str(problem)


def test_rule_44_items_of_unknown_kinds_are_skipped_and_named() -> None:
    odd = {"type": "compaction", "encrypted_content": "x"}
    worse = {"type": "very odd: kind", "id": "x"}
    exchange = read(input=[odd, USER, worse, {"id": "msg_gone"}])
    assert exchange.turn.messages == (Message("user", (Text("hi"),)),)
    assert exchange.ignored == (
        "input[0] (compaction)",
        "input[2] (very_odd__kind)",
        "input[3] (item_reference)",
    )


def test_rule_50_a_reference_is_the_item_that_is_remembered() -> None:
    memory = {"msg_1": {"type": "message", "role": "assistant", "content": "yes?"}}
    given = [USER, {"id": "msg_1"}, {"type": "item_reference", "id": "msg_2"}, USER]
    exchange = OpenAIResponses(
        orjson.dumps({"input": given}), Exchange("0" * 32, 0, recall=memory.get)
    )
    assert exchange.turn.messages[1] == Message("assistant", (Text("yes?"),))
    assert exchange.ignored == ("input[2] (item_reference)",)


# content


def test_rule_46_texts_of_every_kind_are_text() -> None:
    kinds = ("input_text", "output_text", "summary_text", "text")
    parts = [{"type": kind, "text": kind} for kind in kinds]
    refused = {"type": "refusal", "refusal": "no"}
    assert user_parts(*parts, refused) == (*map(Text, kinds), Text("no"))


URL = data_url("image/png", PNG)


@pytest.mark.parametrize(
    ("part", "meaning"),
    [
        ({"type": "input_image", "image_url": URL}, File("image/png", PNG)),
        (
            {"type": "input_image", "image_url": URL.replace("data:", "DATA:")},
            File("image/png", PNG),
        ),
        (
            {"type": "input_file", "file_data": "https://x/y", "filename": "a"},
            FileLink("https://x/y", name="a", path="input[0].content[0].file_data"),
        ),
        (
            {"type": "input_image", "image_url": "https://x/y"},
            FileLink("https://x/y", path="input[0].content[0].image_url"),
        ),
        ({"type": "input_file", "file_data": URL, "filename": "a"}, File("image/png", PNG, "a")),
        ({"type": "input_file", "file_data": base64(PDF)}, File("application/pdf", PDF)),
        ({"type": "input_file", "file_data": "data:;base64,aGk="}, Text("hi")),
        (
            {"type": "input_file", "file_url": "http://x/y"},
            FileLink("http://x/y", path="input[0].content[0].file_url"),
        ),
    ],
)
def test_rule_46_files_come_as_data_or_as_links(part: dict[str, Any], meaning: Part) -> None:
    assert user_parts(part) == (meaning,)


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ({"type": "input_image"}, "input[0].content[0]: expected image_url or file_id"),
        ({"type": "input_image", "file_id": "f1"}, "input[0].content[0].file_id: it names a file"),
        ({"type": "input_file", "file_id": "f1"}, "input[0].content[0].file_id: it names a file"),
        ({"type": "input_file", "file_data": "AAAA"}, "input[0].content[0].file_data: a file of"),
        ({"type": "input_file"}, "input[0].content[0]: expected file_data, file_url or file_id"),
        ({"type": "input_image", "image_url": "file:///x"}, "input[0].content[0].image_url: exp"),
        ({"type": "input_image", "image_url": "data:image/png"}, "input[0].content[0].image_url"),
        ({"type": "input_file", "file_data": "A"}, "input[0].content[0].file_data: not valid base"),
        ({"type": "input_file", "file_data": "é"}, "input[0].content[0].file_data: not valid base"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_by_its_path(
    part: dict[str, Any], message: str
) -> None:
    assert str(refusal(input=[{"role": "user", "content": [part]}])).startswith(message)


def test_audio_is_refused_and_unknown_parts_are_named() -> None:
    audio = {"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}
    problem = refusal(input=[audio])
    assert isinstance(problem, Unsupported)
    assert problem.field == "input[0].content[0]"
    picture = {"type": "input_image", "image_url": URL, "detail": "high"}
    odd = {"role": "user", "content": [{"type": "hologram"}, picture]}
    assert ignored(input=[odd]) == ("input[0].content[0] (hologram)", "input[0].content[1].detail")


# reasoning


def reasoning(**fields: Any) -> OpenAIResponses:
    return read(input=[{"type": "reasoning", "id": "rs", "summary": [], **fields}, USER])


def test_rule_51_our_own_seal_gives_the_thinking_back_whole() -> None:
    sealed = seal(Thinking("hm", "c2ln"))
    exchange = reasoning(encrypted_content=sealed, summary=[{"type": "summary_text", "text": "h"}])
    assert exchange.turn.messages[0] == Message("assistant", (Thinking("hm", "c2ln"),))
    assert exchange.ignored == ()


@pytest.mark.parametrize("foreign", ["gAAAAABo", "nm1.", "nm1.!", "nm1.e30=", "nm1.eA=="])
def test_rule_51_what_others_sealed_is_accepted_and_named(foreign: str) -> None:
    summary = [{"type": "summary_text", "text": "a"}, {"type": "summary_text", "text": "b"}]
    exchange = reasoning(encrypted_content=foreign, summary=summary, content=None)
    assert exchange.turn.messages[0] == Message("assistant", (Thinking("a\n\nb"),))
    assert exchange.ignored == ("input[0].encrypted_content",)


def test_rule_44_reasoning_of_nulls_says_nothing() -> None:
    assert reasoning(content=None, encrypted_content=None).turn.messages == read().turn.messages


def test_reasoning_without_a_summary_is_read_from_its_content() -> None:
    exchange = reasoning(content=[{"type": "reasoning_text", "text": "all of it"}])
    assert exchange.turn.messages[0].parts == (Thinking("all of it"),)


# calls and results


@pytest.mark.parametrize(
    ("item", "call"),
    [
        (
            {"type": "function_call", "name": "f", "arguments": "{}", "namespace": "ns"},
            ToolCall("c", "f", "{}", "ns"),
        ),
        ({"type": "function_call", "name": "f"}, ToolCall("c", "f", "")),
        (
            {"type": "custom_tool_call", "name": "patch", "input": "*** Begin"},
            ToolCall("c", "patch", "*** Begin", freeform=True),
        ),
        (
            {"type": "local_shell_call", "action": {"command": ["ls"]}},
            ToolCall("c", "local_shell", '{"command":["ls"]}'),
        ),
        ({"type": "shell_call", "action": {}}, ToolCall("c", "shell", "{}")),
        ({"type": "apply_patch_call", "operation": {}}, ToolCall("c", "apply_patch", "{}")),
    ],
)
def test_rule_44_calls_of_every_kind_are_tool_calls(item: dict[str, Any], call: ToolCall) -> None:
    assert messages({"call_id": "c", **item}, USER)[0] == Message("assistant", (call,))


@pytest.mark.parametrize(
    ("item", "result"),
    [
        ({"type": "function_call_output", "output": "ok"}, ToolResult("c", (Text("ok"),))),
        (
            {
                "type": "function_call_output",
                "output": [
                    {"type": "input_text", "text": "see"},
                    {"type": "input_image", "image_url": URL},
                ],
            },
            ToolResult("c", (Text("see"), File("image/png", PNG))),
        ),
        ({"type": "custom_tool_call_output", "output": []}, ToolResult("c", ())),
        (
            {"type": "shell_call_output", "output": [{"stdout": "x"}]},
            ToolResult("c", (Text('[{"stdout":"x"}]'),)),
        ),
        (
            {"type": "apply_patch_call_output", "status": "failed"},
            ToolResult("c", (), failed=True),
        ),
    ],
)
def test_rule_44_outputs_are_strings_or_lists(item: dict[str, Any], result: ToolResult) -> None:
    assert messages({"call_id": "c", **item}) == (Message("user", (result,)),)


def test_a_local_shell_output_names_its_call_by_its_own_id() -> None:
    said = messages({"type": "local_shell_call_output", "id": "c", "output": "ok"})
    assert said == (Message("user", (ToolResult("c", (Text("ok"),)),)),)


# tools


def test_rule_47_rule_61_functions_keep_their_schemas_as_they_are() -> None:
    schema = {"$schema": "x", "anyOf": [{}], "properties": {"a": {"default": 1}}}
    name = "n" * 64
    full = {
        "type": "function",
        "name": name,
        "description": "d",
        "parameters": schema,
        "strict": True,
        "defer_loading": True,
    }
    turn = read(tools=[full, {"type": "function", "name": "bare", "strict": None}]).turn
    assert turn.tools == (
        Tool(name, "d", schema, strict=True, deferred=True),
        Tool("bare", "", {"type": "object", "properties": {}}),
    )


def test_rule_47_custom_tools_keep_their_grammar() -> None:
    lark = {"type": "grammar", "syntax": "lark", "definition": "start: x"}
    turn = read(
        tools=[
            {"type": "custom", "name": "a", "format": lark},
            {"type": "custom", "name": "b", "format": {"type": "text"}, "description": "d"},
        ]
    ).turn
    assert turn.tools == (FreeformTool("a", "", "lark", "start: x"), FreeformTool("b", "d"))


def test_rule_47_namespaced_tools_know_their_namespace_and_nest_once() -> None:
    space = {"type": "namespace", "name": "ns", "description": "d", "tools": [FUNCTION, CUSTOM]}
    nested = {"type": "namespace", "name": "outer", "tools": [{**space, "description": ""}]}
    exchange = read(tools=[space, nested])
    assert exchange.turn.tools == (
        Tool("f", "", {"type": "object"}, namespace="ns"),
        FreeformTool("c", "", namespace="ns"),
    )
    assert exchange.ignored == ("tools[0].description", "tools[1].tools[0] (namespace)")


def test_rule_47_tools_may_come_in_an_item() -> None:
    item = {"type": "additional_tools", "role": "developer", "tools": [FUNCTION]}
    exchange = read(input=[item, {"role": "system", "content": "s"}, USER])
    assert [tool.name for tool in exchange.turn.tools] == ["f"]
    assert exchange.turn.system == "s"
    assert exchange.ignored == ()


@pytest.mark.parametrize("tools", [None, []])
def test_rule_47_no_tools_are_no_tools(tools: Any) -> None:
    assert read(tools=tools).turn.tools == ()


def test_rule_47_tools_that_only_openai_runs_are_named() -> None:
    hosted = [
        {"type": "tool_search"},
        {"type": "shell", "environment": {"type": "container_auto"}},
        {"type": "mcp", "server_label": ""},
    ]
    assert ignored(tools=[*hosted, FUNCTION]) == (
        "tools[0] (tool_search)",
        "tools[1] (shell)",
        "tools[2] (mcp)",
    )


@pytest.mark.parametrize("kind", ["computer_use_preview", "apply_patch", "code_interpreter"])
def test_rule_47_a_tool_that_only_openai_runs_is_refused_where_there_is_no_other(kind: str) -> None:
    told = f"tools[0]: only the vendor can run {kind}, and no other tool is offered"
    assert str(refusal(tools=[{"type": kind}])).startswith(told)


@pytest.mark.parametrize("kind", ["web_search", "web_search_preview", "web_search_2025_08_26"])
def test_rule_47_web_search_is_searching_the_web(kind: str) -> None:
    exchange = read(tools=[{"type": kind, "filters": {"allowed_domains": ["x"]}}])
    assert exchange.turn.search == Search(web=True)
    assert exchange.turn.tools == ()
    assert exchange.ignored == ("tools[0].filters",)


def test_a_search_without_access_to_the_web_is_named() -> None:
    exchange = read(tools=[{"type": "web_search", "external_web_access": False}])
    assert exchange.turn.search == Search()
    assert exchange.ignored == ("tools[0] (web_search)",)


@pytest.mark.parametrize(
    ("choice", "meaning"),
    [
        (None, ToolChoice()),
        ("auto", ToolChoice()),
        ("none", ToolChoice("none")),
        ("required", ToolChoice("required")),
        ({"type": "function", "name": "f"}, ToolChoice("required", "f")),
        ({"type": "custom", "name": "c"}, ToolChoice("required", "c")),
    ],
)
def test_a_tool_choice_is_understood_and_echoed(choice: Any, meaning: ToolChoice) -> None:
    exchange = read(tools=[FUNCTION, CUSTOM], tool_choice=choice)
    assert exchange.turn.tool_choice == meaning
    assert created(exchange)["tool_choice"] == (choice or "auto")


@pytest.mark.parametrize("kind", ["shell", "local_shell"])
def test_a_choice_of_a_shell_that_the_client_runs_is_that_tool(kind: str) -> None:
    turn = read(tools=[{"type": kind}, CUSTOM], tool_choice={"type": kind}).turn
    assert turn.tool_choice == ToolChoice("required", kind)


def test_allowed_tools_leave_the_others_out() -> None:
    tools = [FUNCTION, CUSTOM, {"type": "web_search"}]
    one = {"type": "allowed_tools", "mode": "required", "tools": [{"type": "custom", "name": "c"}]}
    turn = read(tools=tools, tool_choice=one).turn
    assert [tool.name for tool in turn.tools] == ["c"]
    assert (turn.tool_choice, turn.search) == (ToolChoice("required"), Search())
    search = {"type": "allowed_tools", "tools": [{"type": "web_search"}]}
    turn = read(tools=tools, tool_choice=search).turn
    assert (turn.tools, turn.search, turn.tool_choice) == ((), Search(web=True), ToolChoice())


def test_a_choice_of_what_openai_runs_is_named_and_of_what_is_not_there_refused() -> None:
    assert ignored(tool_choice={"type": "web_search"}) == ("tool_choice (web_search)",)
    for kind in ("file_search", "mcp", "shell"):
        problem = refusal(tools=[CUSTOM], tool_choice={"type": kind})
        assert str(problem) == f"tool_choice: only OpenAI can run {kind}: choose another tool"
    problem = refusal(tools=[CUSTOM], tool_choice={"type": "function", "name": "f"})
    assert str(problem) == "tool_choice.name: no tool is named 'f'"
    assert refusal(tool_choice="any").field == "tool_choice"


def test_one_call_at_a_time_may_be_asked_for() -> None:
    assert read(parallel_tool_calls=False).turn.tool_choice == ToolChoice(parallel=False)


# the rest of the body


SCHEMA = {"type": "object"}


@pytest.mark.parametrize(
    ("form", "meaning"),
    [
        (None, None),
        ({"type": "text"}, None),
        ({"type": "json_object"}, JsonOutput(path="text.format")),
        (
            {"type": "json_schema", "name": "n", "schema": SCHEMA, "strict": True},
            JsonOutput(SCHEMA, "n", strict=True, path="text.format.schema"),
        ),
        (
            {"type": "json_schema", "name": "n", "schema": SCHEMA, "strict": None},
            JsonOutput(SCHEMA, "n", path="text.format.schema"),
        ),
    ],
)
def test_rule_49_text_format_is_the_form_of_the_output(form: Any, meaning: Any) -> None:
    exchange = read(text={"format": form, "verbosity": "medium"})
    assert exchange.turn.output == meaning
    assert exchange.ignored == ()
    assert created(exchange)["text"]["format"]["type"] == (form or {"type": "text"})["type"]


def test_a_form_of_output_that_is_unknown_is_refused() -> None:
    problem = refusal(text={"format": {"type": "grammar"}})
    assert isinstance(problem, Unsupported)
    assert problem.field == "text.format.type"


def test_rule_49_limits_and_effort_are_used() -> None:
    turn = read(max_output_tokens=7, reasoning={"effort": "xhigh"}).turn
    assert (turn.limits, turn.effort) == (Limits(7), "xhigh")
    assert refusal(reasoning={"effort": "a lot"}).field == "reasoning.effort"
    assert refusal(max_output_tokens=0).field == "max_output_tokens"


def test_rule_14_a_model_may_be_left_out() -> None:
    exchange = OpenAIResponses(b'{"input":"hi"}', Exchange("0" * 32, 0))
    assert exchange.turn.model == ""
    assert created(exchange)["model"] == "default"


def test_rule_2_rule_49_what_has_no_meaning_here_is_accepted_and_named() -> None:
    asked = {
        "client_metadata": {"a": 1},
        "max_tool_calls": 3,
        "service_tier": "flex",
        "safety_identifier": "x",
        "store": True,
        "stream_options": {"include_obfuscation": True},
        "temperature": 0.2,
        "truncation": "auto",
        "user": "me",
        "reasoning": {"context": "all_turns", "effort": "low"},
        "text": {"verbosity": "low"},
        "include": ["web_search_call.results"],
        "something new\r\n": 1,
        "": 1,
    }
    assert set(ignored(**asked)) == {
        "client_metadata",
        "max_tool_calls",
        "service_tier",
        "safety_identifier",
        "store",
        "stream_options",
        "temperature",
        "truncation",
        "user",
        "reasoning.context",
        "text.verbosity",
        "include[0]",
        "something_new__",
        "_",
    }


def test_rule_49_what_asks_for_what_happens_anyway_is_not_worth_a_word() -> None:
    plain = {
        "background": False,
        "include": [],
        "metadata": {},
        "previous_response_id": None,
        "prompt": None,
        "reasoning": {"context": "auto"},
        "service_tier": "auto",
        "store": False,
        "stream_options": {"include_obfuscation": False},
        "temperature": 1,
        "text": {},
        "top_logprobs": 0,
        "top_p": 1.0,
        "truncation": "disabled",
        "unheard_of": None,
    }
    assert ignored(**plain) == ()


def test_the_list_of_what_is_ignored_is_bounded() -> None:
    assert len(ignored(**{f"field{n}": n for n in range(99)})) == 32
    assert ignored(**{"x" * 999: 1}) == ("x" * 64,)


@pytest.mark.parametrize(
    ("field", "value", "kind"),
    [
        ("previous_response_id", "resp_1", BadRequest),
        ("conversation", "conv_1", Unsupported),
        ("prompt", {"id": "p"}, Unsupported),
        ("background", True, Unsupported),
        ("top_logprobs", 2, Unsupported),
        ("metadata", {"a": 1}, BadRequest),
        ("temperature", "hot", BadRequest),
        ("temperature", True, BadRequest),
    ],
)
def test_what_would_be_a_lie_is_refused_by_name(
    field: str, value: Any, kind: type[BadRequest]
) -> None:
    problem = refusal(**{field: value})
    assert isinstance(problem, kind)
    assert problem.field.startswith(field)
    assert problem.status == 400


def test_log_probabilities_cannot_be_included() -> None:
    assert refusal(include=["message.output_text.logprobs"]).field == "include[0]"


def test_the_conversation_is_named_by_a_header_or_by_the_cache_key() -> None:
    headers = {"session-id": "s", "thread-id": "t", "x-session-affinity": "a"}
    assert read(headers, prompt_cache_key="k").turn.conversation == "t"
    assert read({"x-session-affinity": "a"}).turn.conversation == "a"
    assert read(prompt_cache_key="k").turn.conversation == "k"
    assert read().turn.conversation == ""


# what the answer repeats


def created(exchange: OpenAIResponses) -> dict[str, Any]:
    return orjson.loads(exchange.start().split(b"\n")[1].removeprefix(b"data: "))["response"]


def test_the_response_repeats_the_request() -> None:
    asked: dict[str, Any] = {
        "model": "m",
        "instructions": "be kind",
        "max_output_tokens": 9,
        "metadata": {"a": "b"},
        "parallel_tool_calls": False,
        "temperature": 0.5,
        "top_p": 0.1,
        "tools": [FUNCTION],
        "user": "me",
    }
    assert asked.items() <= created(read(**asked)).items()
    assert created(read(store=True, truncation="auto"))["store"] is False


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"effort": "low", "summary": "concise"}, {"effort": "low", "summary": "concise"}),
        ({"summary": "poem"}, {"effort": None, "summary": "auto"}),
        ({"generate_summary": "detailed"}, {"effort": None, "summary": "detailed"}),
        ({"summary": ["odd"]}, {"effort": None, "summary": "auto"}),
        (None, {"effort": None, "summary": None}),
    ],
)
def test_the_response_tells_how_reasoning_is_shown(asked: Any, told: dict[str, Any]) -> None:
    assert created(read(reasoning=asked))["reasoning"] == told


def test_allowed_tools_are_those_that_are_there() -> None:
    def narrowed(*tools: Any, mode: str = "auto") -> Any:
        return {"type": "allowed_tools", "mode": mode, "tools": list(tools)}

    shell = {"type": "local_shell"}
    turn = read(tools=[shell, CUSTOM], tool_choice=narrowed(shell, mode="required")).turn
    assert [tool.name for tool in turn.tools] == ["local_shell"]
    wrong = narrowed({"type": "function", "name": "Raed"})
    problem = refusal(tools=[FUNCTION], tool_choice=wrong)
    assert str(problem) == "tool_choice.tools[0].name: no tool is named 'Raed'"
    theirs = narrowed({"type": "mcp", "server_label": "x"}, {"type": "function", "name": "f"})
    assert ignored(tools=[FUNCTION], tool_choice=theirs) == ("tool_choice.tools[0] (mcp)",)


@pytest.mark.parametrize("tools", [[], [{"type": "namespace", "name": "n", "tools": []}]])
def test_a_call_cannot_be_wanted_where_nothing_can_be_called(tools: list[Any]) -> None:
    problem = refusal(tools=tools, tool_choice="required")
    assert str(problem).startswith("tool_choice: there is no tool that could be called")
    turn = read(tools=[*tools, {"type": "web_search"}], tool_choice="required").turn
    assert (turn.tool_choice, turn.search) == (ToolChoice(), Search(web=True))
