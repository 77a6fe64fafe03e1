"""The review in the browser: one local web app on the studio, for a young person, for those who make an episode, who check it."""
