"""Business hours: calendars, public holidays, daylight saving."""
