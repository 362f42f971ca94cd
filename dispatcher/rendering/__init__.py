"""From the name of a template and parameters to texts: files on disk, used as they are at this moment.

    renderer     the door: `Renderer.render_once_saved(name, parameters, locale)`
    ├── finder       which files answer to a name, and to a locale
    ├── editions     the compiled state of a file and of all it refers to; a good one outlives a broken save
    │   └── files        which files were looked at, and whether they are still the same
    ├── environment  Jinja the way we want it: sandboxed, escaping, stoppable
    │   ├── codegen      what a template is compiled to
    │   ├── dialects     how a value is escaped: for HTML, for Telegram's and for Slack's ways of writing
    │   ├── escaping     what makes Jinja do so
    │   ├── limits       time and characters of one render
    │   │   └── weights      how large a value would be when printed
    │   └── guards       operations that grow far beyond what they are given
    ├── subject      the block of that name, as one line
    ├── plain_text   a readable text out of HTML
    │   └── flowing      the same where there are only lines, and faster
    └── failures     what went wrong, with file and line; exceptions of Jinja end here

Nothing here watches the folder or runs in the background. Before each render the files an edition was made of are
looked at, which costs a few microseconds; what has changed is read again, so an edit is true from the next render on.
"""
