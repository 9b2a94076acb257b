"""The magics ``%%falstream`` and ``%falstream``: their declaration and settings, and the choice of what a line runs.

The modules that a request needs (WebSockets, HTTP, widgets) are imported with the first request, so that loading the
extension takes no time.
"""

from argparse import Namespace
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import Magics, line_cell_magic, magics_class, needs_local_scope, no_var_expand
from IPython.core.magic_arguments import argument, magic_arguments
from traitlets import Bool, Enum, Float, Int, Unicode, observe

from ..display.front_end import CHOICES
from .completion import register_completion, unregister_completion
from .source import caller_of, is_used, register_source, unregister_source

if TYPE_CHECKING:
    from .request import Request

_FORMATS = ("markdown", "text", "json")


@magics_class
class FalMagics(Magics):
    """The defaults of ``%%falstream``. Keys have no place here: ``%config`` shows values."""

    base_url = Unicode(
        "", help="Another host: wss://host or ws://127.0.0.1:8000. Empty: the environment, then fal."
    ).tag(config=True)
    format = Enum(_FORMATS, "markdown", help="How words are shown: markdown, text or json.").tag(config=True)
    field = Unicode("prompt", help="The argument that takes the cell's text.").tag(config=True)
    timeout = Float(None, allow_none=True, help="Seconds for a whole request; None for as long as it takes.").tag(
        config=True
    )
    autoplay = Bool(default_value=False, help="Whether sound plays by itself when it is there.").tag(config=True)
    live = Enum(
        CHOICES,
        "auto",
        help="What shows while an answer streams: widgets; text, as in a terminal; nothing before its end; or auto, "
        "by what the front end can show.",
    ).tag(config=True)
    check = Enum(
        ("warn", "strict", "off"),
        "warn",
        help="What is done about arguments that do not fit the endpoint's schema: what fal is certain to refuse is not "
        "sent, and what is in doubt is told (warn); neither is sent (strict); nothing is checked (off). "
        "Requests from Python follow it, too.",
    ).tag(config=True)
    upload = Enum(
        ("auto", "always", "never"),
        "auto",
        help="Whether files are uploaded to fal's storage before a request, where whoever has the URL can read them: "
        "those of more than 256 KiB that go to fal (auto), all of them, or none.",
    ).tag(config=True)
    nested = Bool(
        default_value=True, help="Whether your own asyncio tasks go on while a cell waits (nest_asyncio2)."
    ).tag(config=True)
    connections = Int(4, min=1, help="The most connections to one endpoint; further requests wait.").tag(config=True)
    idle_seconds = Float(60.0, min=0, help="After how long unused further connections close.").tag(config=True)
    max_body = Int(2 * 1024**3, min=1, help="The most bytes that a response may have.").tag(config=True)

    @no_var_expand
    @needs_local_scope
    @magic_arguments("falstream")
    @argument(
        "endpoint",
        nargs="?",
        help="such as fal-ai/any-llm/stream; several with commas; or status, stop, close, info, find, attach",
    )
    @argument("arguments", nargs="*", metavar="key=value", help="arguments: key=text, or key:=JSON for other types")
    @argument("-o", "--out", metavar="NAME", help="put the result into this variable, also when it is only partial")
    @argument("-f", "--format", choices=_FORMATS, help="how words are shown (default: markdown)")
    @argument("--input", metavar="NAME", help="take arguments from this dict")
    @argument("--field", metavar="NAME", help="the argument that takes the cell, as text (default: prompt)")
    @argument("--raw", action="store_true", help="leave {{expressions}} in the cell and in values alone")
    @argument("--save", metavar="PATH", help="write the files of the answer, else its text, here")
    @argument("--overwrite", action="store_true", help="let --save replace a file; else a taken name gets a number")
    @argument("--timeout", type=float, metavar="SECONDS", help="give up after so long")
    @argument("--base-url", metavar="URL", help="another host, such as ws://127.0.0.1:8000")
    @argument("-b", "--background", action="store_true", help="return at once; the answer streams into its own cell")
    @argument("--each", metavar="NAME", help="send the cell for each row of this table; {{column}} stands for its own")
    @argument("--to", metavar="FILE", help="with --each: keep everything in this file, such as labels.fal")
    @argument("--budget", type=float, metavar="DOLLARS", help="with --each: send no more than this pays for")
    @argument("--unique", action="store_true", help="with --each: ask rows that ask the same once")
    @argument("--models", metavar="A,B", help="ask several models at once, side by side; the result is a dict")
    @argument("--chat", metavar="NAME", help="begin or go on with the conversation in this variable")
    @argument("-c", "--continue", dest="go_on", action="store_true", help="go on with the last conversation")
    @argument("-q", "--quiet", action="store_true", help="show nothing; errors are raised all the same")
    @argument("--autoplay", action="store_true", help="play sound by itself when it is there")
    @argument("--play", action="store_true", help="play sound while it is being made")
    @argument("--upload", action="store_true", help="upload files to fal's storage, also small ones")
    @argument("--inline", action="store_true", help="send files within the request, also large ones")
    @argument("--no-check", action="store_true", help="send arguments that do not fit the endpoint's schema")
    @argument("--queue", action="store_true", help="put it into fal's queue; to stop leaves it there")
    @argument("--widget", action="store_true", help="open a prompt box for the endpoint; -o names the widget")
    @argument("--dry-run", action="store_true", help="show endpoint and arguments, send nothing")
    @argument("-h", "--help", action="store_true", help="show this help")
    @line_cell_magic
    def falstream(self, line: str, cell: str | None = None, local_ns: Mapping[str, Any] | None = None) -> Any:
        """Send the cell to a fal endpoint and stream the answer into the output.

        The cell is the endpoint's prompt; a cell that is a JSON object is the arguments themselves, and what the
        line says wins. {{expression}} is your own Python. The result is in _fal, and in the variable that -o names.

            %%falstream fal-ai/any-llm/stream model=google/gemini-flash-1.5 -o answer
            Explain {{topic}} to a child.

            %%falstream fal-ai/flux/dev/stream num_inference_steps:=28 --save cat.png
            A cat that reads the newspaper

            %%falstream openrouter/router/openai/v1/chat/completions model=openai/gpt-4o-mini --chat talk
            My name is Ada.

            %%falstream -c
            What is my name?

            %%falstream fal-ai/any-llm --each df --to labels.fal -o run
            Is this a question or an answer? {{text}}

            answer = %falstream fal-ai/any-llm prompt="Hi"
            %falstream local/speech prompt="Good morning." --play
            %falstream fal-ai/any-llm/stream model=google/gemini-flash-1.5 --widget
            %falstream fal-ai/flux/dev/stream,fal-ai/flux/schnell/stream prompt="A cat"   side by side
            %falstream find upscale video         endpoints, what they make and what they cost
            %falstream info fal-ai/flux/dev       what an endpoint does, its arguments and its price
            %falstream attach ENDPOINT REQUEST_ID       comes back to a request in fal's queue
            %falstream status       the open connections, and the conversations
            %falstream close        closes them
            %falstream stop         stops what runs in the background
        """
        from ..display.outputs import show_bundle
        from ..errors import InvalidRequest
        from ..render.bundles import small_bundle
        from .argument_check import check_requests
        from .request import read_requests
        from .subcommands import ACTIONS

        namespace = self._namespace(local_ns, in_cell=cell is not None)
        try:
            options = self._options(line, namespace)
            if options.help:
                print(self.falstream.__doc__)  # noqa: T201 - the answer to --help
                return None
            if cell is None and options.endpoint in ACTIONS:
                ACTIONS[options.endpoint](options)
                return None
            if options.each is not None:
                self._send_each(options, cell or "", namespace)
                return None
            if cell is None and options.endpoint == "attach":
                self._attach(options)
                return self._kept(options)
            requests = read_requests(options, cell or "", namespace, in_cell=cell is not None)
            doubts = check_requests(requests, options)
        except InvalidRequest as exc:
            what, advice = exc.lines(UsageError.__name__)
            words = "\n".join([*what, *advice]).removeprefix(f"{UsageError.__name__}:")  # IPython writes it again
            raise UsageError(words.lstrip()) from None
        if doubts:
            show_bundle(small_bundle(doubts))
        self._send(requests, options)
        return self._kept(options) if cell is None and not options.dry_run else None

    def _kept(self, options: Namespace) -> Any:
        """What the run has kept, if the line's value is used."""
        is_wanted = is_used(caller_of(InteractiveShell.run_line_magic.__code__))
        return _shell(self).user_ns.get(options.out or "_fal") if is_wanted else None

    def _send_each(self, options: Namespace, cell: str, namespace: Mapping[str, Any]) -> None:
        from .each import perform_each

        self._set_up_session()
        perform_each(options, cell, namespace, _shell(self))

    def _attach(self, options: Namespace) -> None:
        from .cell import perform_attached
        from .queued import find_request

        self._set_up_session()
        perform_attached(find_request(options), options, _shell(self))

    def _options(self, line: str, namespace: Mapping[str, Any]) -> Namespace:
        from .options import parse

        options = parse(self.falstream.parser, line, namespace)
        options.as_text = options.field is not None
        for name in ("base_url", "format", "field", "timeout", "autoplay", "check", "upload"):
            setattr(options, name, getattr(options, name) or getattr(self, name))
        options.live = self.live
        return options

    def _namespace(self, local_ns: Mapping[str, Any] | None, *, in_cell: bool) -> dict[str, Any]:
        """The variables for ``{{expression}}``: the user's, and the locals of a function that calls the magic."""
        caller = caller_of(InteractiveShell.run_cell_magic.__code__) if in_cell else None
        return {**_shell(self).user_ns, **((caller.f_locals if caller else local_ns) or {})}

    def _send(self, requests: "Mapping[str, Request]", options: Namespace) -> None:
        from .cell import perform, perform_in_background, perform_side_by_side
        from .subcommands import show_dry_run

        if options.dry_run:
            for each in requests.values():
                show_dry_run(each)
            return
        self._set_up_session()
        if options.chat is not None:
            (request,) = requests.values()
            _shell(self).user_ns[options.chat] = request.chat
        if options.side_by_side:
            perform_side_by_side(requests, options, _shell(self))
            return
        (request,) = requests.values()
        if options.widget:
            self._open_widget(request, options)
        elif options.background:
            perform_in_background(request, options, _shell(self))
        else:
            perform(request, options, _shell(self))

    @observe("nested", "connections", "idle_seconds", "max_body", "upload")
    def _set_up_session(self, _: object = None) -> None:
        from ..client.payloads import UPLOAD_CHOICES
        from ..client.sessions import session
        from ..client.uploads import Uploads
        from ..display.outputs import show_bundle
        from ..render.bundles import small_bundle
        from ..wire.pool import Limits

        kernel_session = session()
        kernel_session.nested = self.nested
        kernel_session.upload = UPLOAD_CHOICES[UPLOAD_CHOICES.index(self.upload)]
        kernel_session.companion(Uploads).tell = lambda words: show_bundle(small_bundle(words))
        kernel_session.limits = Limits(self.connections, self.idle_seconds, self.max_body)

    @observe("check")
    def _set_check(self, _: object = None) -> None:
        from ..client.sessions import session

        session().check = self.check

    def _open_widget(self, request: "Request", options: Namespace) -> None:
        from IPython.display import display

        from ..prompt.widget import PromptWidget

        widget = PromptWidget(
            request.endpoint,
            request.arguments,
            options.field,
            base_url=options.base_url or None,
            timeout=options.timeout,
            play=options.play,
        )
        if options.out:
            _shell(self).user_ns[options.out] = widget
        display(widget)


def _shell(magics: Magics) -> InteractiveShell:
    """The shell in which the magics are registered."""
    if magics.shell is None:
        raise RuntimeError("the magics are not registered with a shell")
    return magics.shell


def load(shell: InteractiveShell) -> None:
    """Register the magics and their completion."""
    shell.register_magics(FalMagics)
    register_completion(shell)
    register_source(shell)


def unload(shell: InteractiveShell) -> None:
    """Remove the magics and their completion, and close the connections."""
    from ..client.chats import Chats
    from ..client.sessions import session
    from ..display.reloaded_page import recent_answers

    for kind in ("line", "cell"):
        shell.magics_manager.magics[kind].pop("falstream", None)
    shell.configurables[:] = [each for each in shell.configurables if type(each).__qualname__ != FalMagics.__qualname__]
    unregister_completion(shell)
    unregister_source(shell)
    recent_answers().clear()
    session().companion(Chats).last = None
    session().close()
