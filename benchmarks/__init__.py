"""Measurements, each against a baseline that is measured in the same run: `python -m benchmarks.NAME --help`.

The path of a message:

    intake          from a mailbox to conversations, against a bare loop
    latency         how soon a mail is visible in the API
    chaos           everything is killed while customers write on every channel: nothing lost, nothing twice
    outbound        the same for messages that leave
    fleet           the same for many hosts, each a network namespace
    hostile         mails and connections that are built to do harm

What is understood:

    mail            how well and how fast mail is read
    understanding   categories, danger, masking, duplicates, languages
    answers         whether the FAQ answers rightly
    hours           calendars
    simulate        a replay under another configuration

The desk:

    desk_load       the API while mail is routed             desk_live    how soon new mail is on open pages
    web_costs       processor time of each request           list_paint   pages of 100,000 open conversations
    search          on a million messages                    chat         the chat of the site
    growth          how each operation grows with the desk   at_rest      what a desk costs while nothing happens
    command_starts  the start of each command                image        the container's image

    screenshots     takes the pictures of the documentation
    house           counts what makes the code easy or hard to read

All use `rig` (a desk of real processes), `mailbox` (its mail) and `process_costs`; `image` uses `pip_settings`.
"""
