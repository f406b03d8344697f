(function (proactive) {})
