"""ListPosts: pages of the user's and the friends' posts, with pictures and comments."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from core.platform.database import Database, Reader
from core.platform.ids import parse_uuid
from core.platform.paging import make_token, read_token
from core.room.friend.sql import mutual_friends
from core.room.media.files import Media
from core.room.post import sql

# Posts listed when no page size is asked for.
PAGE = 100
# Comments on the posts of a page, beyond which it ends early: their number has no bound, a page's
# memory has one. A single post with more than these still comes whole.
MOST_COMMENTS = 10_000


@dataclass(frozen=True, slots=True)
class ListPosts:
    """Which posts are wanted; a page_size of None means PAGE.

    friend_ids: the authors, several to a text if commas are between them; none means all.
    next_page_token: the same as page_token, which counts if both are sent.
    """

    friend_ids: Sequence[str]
    page_size: int | None
    page_token: str
    next_page_token: str


@dataclass(frozen=True, slots=True)
class LinkedFile:
    """A picture of a post, with its links."""

    file: sql.PostFile
    url: str
    thumbnail_url: str


@dataclass(frozen=True, slots=True)
class WholePost:
    """A post with its pictures, in order, and its comments, the oldest first."""

    post: sql.Post
    files: Sequence[LinkedFile]
    comments: Sequence[sql.Comment]


@dataclass(frozen=True, slots=True)
class PostPage:
    """Posts, newest first, and the token of the next page; None on the last one."""

    posts: Sequence[WholePost]
    next_page_token: str | None


async def list_posts(
    database: Database, media: Media, user_id: uuid.UUID, command: ListPosts
) -> PostPage:
    """Return a page of the posts of the user and of friends, newest first.

    It takes the same few queries however many they are. Raises INVALID_REQUEST for a page token
    that was not given out.
    """
    if command.page_token:
        before = read_token(command.page_token, "pageToken")
    else:
        before = read_token(command.next_page_token, "nextPageToken")
    size = PAGE if command.page_size is None else command.page_size
    visible = {user_id, *await mutual_friends(database, user_id)}
    # One more than asked for: is there a next page?
    rows = await sql.list_posts(database, _asked(command.friend_ids, visible), before, size + 1)
    ids, comments = await _with_comments(database, [row.id for row in rows[:size]])
    page = rows[: len(ids)]
    files_of: defaultdict[uuid.UUID, list[LinkedFile]] = defaultdict(list)
    for file in await sql.list_files(database, ids):
        linked = LinkedFile(file, media.link(file.id), media.link(file.id, thumbnail=True))
        files_of[file.post_id].append(linked)
    comments_on: defaultdict[uuid.UUID, list[sql.Comment]] = defaultdict(list)
    for comment in comments:
        comments_on[comment.post_id].append(comment)
    return PostPage(
        [WholePost(row, files_of[row.id], comments_on[row.id]) for row in page],
        make_token(page[-1].number) if len(rows) > len(page) else None,
    )


async def _with_comments(
    reader: Reader, ids: list[uuid.UUID]
) -> tuple[list[uuid.UUID], list[sql.Comment]]:
    """Return as many of the posts, from the first on, as have space with all their comments."""
    comments = await sql.all_comments(reader, ids, MOST_COMMENTS + 1)
    if len(comments) <= MOST_COMMENTS:
        return ids, comments
    # The last post of these may not be whole.
    ids = ids[: ids.index(comments[-1].post_id)]
    if not ids:
        ids = [comments[0].post_id]
        return ids, await sql.all_comments(reader, ids, None)
    kept = set(ids)
    return ids, [comment for comment in comments if comment.post_id in kept]


def _asked(friend_ids: Iterable[str], visible: set[uuid.UUID]) -> set[uuid.UUID]:
    """Return those of `visible` whose posts are asked for: all when no id is given."""
    names = {name for each in friend_ids for part in each.split(",") if (name := part.strip())}
    return visible & {parse_uuid(name) for name in names} if names else visible
