"""Blocks of code: framed, and named by their language."""

from html import escape


def code_block_html(code: str, language: str = "") -> str:
    """Code in a frame.

    Args:
        code: the code.
        language: its name, as the model wrote it.
    """
    head = f'<div class="fal-code-head">{escape(language)}</div>\n' if language else ""
    return f'<div class="fal-code">{head}<pre><code>{escape(code)}</code></pre></div>\n'
