"""Texts of every kind of Markdown, which stream while a test looks at the page."""

MIXED = """
## A heading

Some words of *introduction* that say what follows, with $x^2$.

- one
- two with `code`
- three

1. one

2. two

```python
for i in range(10):
    print(i)
```

| a | b |
|---|---|
| 1 | 2 |

> a quote

$$
E = mc^2
$$

"""
GROWING = {
    "all kinds": MIXED * 4,
    "long code": "Some code:\n\n```python\n" + "print('a line of code', end=' ')  # and more\n" * 60 + "```\n\n",
    "a list": "".join(f"- item {number} of a list, with **some** words\n" for number in range(80)) + "\n",
    "items apart": "".join(f"{number}. item of a list\n\n   and more\n\n" for number in range(40)),
    "a long table": "| a | b | c |\n|---|---|---|\n" + "| one | two | `three` |\n" * 150 + "\n",
    "a paragraph": "The quick brown fox jumps over the lazy dog and **runs** away. " * 8 + "\n\n",
}
