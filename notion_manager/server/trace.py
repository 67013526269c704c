"""What is known of one request while it is served: for its log line and its headers."""

import re

from msgspec import Struct

from ..answers import Answer
from ..errors import Problem
from ..logs import RequestRecord
from ..models import AUTO
from ..turn import Done, Usage

HUNG_UP = 499  # what the log says of a client that left
_UNFIT = re.compile(r"[^ -~]")
LONGEST_HEADER = 1024  # characters


class Trace(Struct):
    """Filled in as the request goes on. Times are Unix seconds."""

    id: str
    api: str
    id_headers: tuple[str, ...]
    began: float
    effort: str = "effort"
    """Where the protocol has it."""
    key: str = ""
    asked: str = ""
    model: str = ""
    served: str = ""
    how: str = ""
    account: str = ""
    first_content: float | None = None
    usage: Usage | None = None
    problem: Problem | None = None
    ignored: tuple[str, ...] = ()
    reasks: int = 0
    failures: tuple[str, ...] = ()
    waited: float = 0.0
    thread: str = ""
    searched: tuple[str, ...] = ()
    status: int = HUNG_UP
    method: str = ""
    path: str = ""

    def opened(self, answer: Answer, now: float) -> None:
        """The first content is in hand."""
        self.first_content = now
        self.account = answer.account
        self.model = answer.model
        self.how = answer.choice.how
        self.ignored += tuple(self.effort if n == "effort" else n for n in answer.ignored)
        self.reasks = answer.reasks
        self.failures = answer.failures
        self.waited = answer.waited
        self.thread = answer.thread
        self.searched = answer.searched

    def done(self, done: Done) -> None:
        self.usage = done.usage
        self.served = done.served
        self.reasks = done.reasks

    def failed(self, problem: Problem) -> None:
        """Where it was raised is known no more: the frames there hold us, and the whole body."""
        self.problem = problem.with_traceback(None)
        self.account = problem.account or self.account
        self.failures = problem.failures or self.failures
        self.reasks = problem.reasks or self.reasks

    def headers(self) -> dict[str, str]:
        """What every response of the three APIs says about itself."""
        said = {"Server": "notion-manager", **dict.fromkeys(self.id_headers, self.id)}
        if self.model:
            chosen = self.served if self.model == AUTO else ""
            said["x-notion-manager-model"] = chosen or self.model
            said["x-notion-manager-model-choice"] = self.how
        if self.account:
            said["x-notion-manager-account"] = self.account
        if self.thread:
            said["x-notion-manager-thread"] = self.thread
            said["x-notion-manager-search"] = ",".join(self.searched) or "none"
        if self.ignored:
            said["x-notion-manager-ignored"] = ", ".join(self.ignored)[:LONGEST_HEADER]
        if self.reasks:
            said["x-notion-manager-reask"] = str(self.reasks)
        if self.failures:
            said["x-notion-manager-tried"] = ", ".join(self.failures)[:LONGEST_HEADER]
        if self.usage is not None and self.usage.estimated:
            said["x-notion-manager-usage"] = "estimated"
        spelled = "".join(said.values())
        if spelled.isascii() and spelled.isprintable():
            return said
        return {name: _UNFIT.sub("?", value) for name, value in said.items()}

    def record(self, now: float) -> RequestRecord:
        """The line for the log."""
        first = None if self.first_content is None else round(self.first_content - self.began, 3)
        return RequestRecord(
            id=self.id,
            key=self.key,
            api=self.api,
            asked=self.asked,
            served=self.served or self.model,
            account=self.account,
            status=self.status,
            first_content=first,
            duration=round(now - self.began, 3),
            input_tokens=self.usage.input if self.usage else None,
            output_tokens=self.usage.output if self.usage else None,
            problem=self.problem.code if self.problem else "",
            reasks=self.reasks or None,
            tried=", ".join(self.failures),
            waited=round(self.waited, 3) or None,
            thread=self.thread,
            method=self.method,
            path=self.path,
        )
