"""The parts of the sandbox: what takes mails, Telegram's and Slack's calls, keeps them in memory and shows them.

    messages  store  visible           what arrived, and where it is kept
    parts  forms                       what the answers over HTTP share, and how a request is read
    mail  smtp                         e-mail
    telegram_…                         the Bot API, and its markup as Telegram reads it
    slack_…                            the Web API and incoming webhooks, and mrkdwn as Slack reads it
    faults  fault_routes               what goes wrong, on request
    api  events  mailhog  safety       what is asked of it over HTTP
    page.html  page.css  *.js          what a person sees; page.js begins it

It knows the published protocols only, and nothing of Dispatcher.
"""
