"""The prompt widget. Python keeps the conversation; the JavaScript in the folder `page` shows it.

It may import display and what is below it. Begin with `widget`, and in the page with view.js.
"""
