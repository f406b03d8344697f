"""What customers see: the contact form, the page of a case, answers, ratings."""
