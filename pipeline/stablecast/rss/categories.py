"""Apple's podcast categories and ISO 639-1's languages: case and spelling count."""

from __future__ import annotations

from types import MappingProxyType

CATEGORIES = MappingProxyType(
    {
        category: frozenset(filter(None, subcategories.split(", ")))
        for category, subcategories in (
            ("Arts", "Books, Design, Fashion & Beauty, Food, Performing Arts, Visual Arts"),
            ("Business", "Careers, Entrepreneurship, Investing, Management, Marketing, Non-Profit"),
            ("Comedy", "Comedy Interviews, Improv, Stand-Up"),
            ("Education", "Courses, How To, Language Learning, Self-Improvement"),
            ("Fiction", "Comedy Fiction, Drama, Science Fiction"),
            ("Government", ""),
            ("Health & Fitness", "Alternative Health, Fitness, Medicine, Mental Health, Nutrition, Sexuality"),
            ("History", ""),
            ("Kids & Family", "Education for Kids, Parenting, Pets & Animals, Stories for Kids"),
            (
                "Leisure",
                "Animation & Manga, Automotive, Aviation, Crafts, Games, Hobbies, Home & Garden, Video Games",
            ),
            ("Music", "Music Commentary, Music History, Music Interviews"),
            (
                "News",
                "Business News, Daily News, Entertainment News, News Commentary, Politics, Sports News, Tech News",
            ),
            ("Religion & Spirituality", "Buddhism, Christianity, Hinduism, Islam, Judaism, Religion, Spirituality"),
            (
                "Science",
                "Astronomy, Chemistry, Earth Sciences, Life Sciences, Mathematics, Natural Sciences, Nature, Physics, "
                "Social Sciences",
            ),
            ("Society & Culture", "Documentary, Personal Journals, Philosophy, Places & Travel, Relationships"),
            (
                "Sports",
                "Baseball, Basketball, Cricket, Fantasy Sports, Football, Golf, Hockey, Rugby, Running, Soccer, "
                "Swimming, Tennis, Volleyball, Wilderness, Wrestling",
            ),
            ("Technology", ""),
            ("True Crime", ""),
            ("TV & Film", "After Shows, Film History, Film Interviews, Film Reviews, TV Reviews"),
        )
    }
)

LANGUAGES = frozenset(
    first + second
    for first, seconds in (
        ("a", "abefkmnrsvyz"),
        ("b", "aeghimnors"),
        ("c", "aehorsuvy"),
        ("d", "aevz"),
        ("e", "elnostu"),
        ("f", "afijory"),
        ("g", "adlnuv"),
        ("h", "aeiortuyz"),
        ("i", "adegikostu"),
        ("j", "av"),
        ("k", "agijklmnorsuvwy"),
        ("l", "abginotuv"),
        ("m", "ghiklnrsty"),
        ("n", "abdeglnorvy"),
        ("o", "cjmrs"),
        ("p", "ailst"),
        ("q", "u"),
        ("r", "mnouw"),
        ("s", "acdegiklmnoqrstuvw"),
        ("t", "aeghiklnorstwy"),
        ("u", "gkrz"),
        ("v", "eio"),
        ("w", "ao"),
        ("x", "h"),
        ("y", "io"),
        ("z", "ahu"),
    )
    for second in seconds
)
