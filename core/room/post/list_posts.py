"""Posts and comments, for those who may see them: their author and the author's friends."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from onegenie.error.v1.reasons import AppReason
from onegenie.post.v1 import post_pb2 as pb

from core.platform.clock import Clock
from core.platform.database import Database, Reader
from core.platform.ids import parse_uuid
from core.platform.paging import make_token, read_token
from core.platform.plain import timestamp
from core.room.friend.sql import mutual_friends
from core.room.media.files import Media
from core.room.post import sql
from edge.reply.errors import ApiError

# Posts, and comments, listed when no page size is asked for.
POSTS, COMMENTS = 100, 50
# Comments on the posts of a page, beyond which it ends early: their number has no bound, a page's
# memory has one. A single post with more than these still comes whole.
MOST_COMMENTS = 10_000


async def list_posts(
    database: Database, media: Media, user_id: uuid.UUID, request: pb.ListPostsRequest
) -> pb.ListPostsResponse:
    """Posts of the user and of friends, newest first. The same few queries however many."""
    if request.page_token:
        before = read_token(request.page_token, "pageToken")
    else:
        before = read_token(request.next_page_token, "nextPageToken")
    size = request.page_size if request.HasField("page_size") else POSTS
    visible = {user_id, *await mutual_friends(database, user_id)}
    # One more than asked for: is there a next page?
    rows = await sql.list_posts(database, _asked(request.friend_ids, visible), before, size + 1)
    ids, comments = await _with_comments(database, [row.id for row in rows[:size]])
    page = rows[: len(ids)]
    files = await sql.list_files(database, ids)
    reply = pb.ListPostsResponse()
    of_id = {row.id: _add_post(reply, row) for row in page}
    for file in files:
        of_id[file.post_id].post_details.add(
            file_id=str(file.id),
            url=media.link(file.id),
            thumbnail_url=media.link(file.id, thumbnail=True),
            content_type=file.content_type,
            width=file.width,
            height=file.height,
        )
    for comment in comments:
        of_id[comment.post_id].comments.append(_comment(comment))
    if len(rows) > len(page):
        reply.next_page_token = make_token(page[-1].number)
    return reply


async def _with_comments(
    reader: Reader, ids: list[uuid.UUID]
) -> tuple[list[uuid.UUID], list[sql.Comment]]:
    """As many of the posts, from the first on, as there is room for with all their comments."""
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


async def list_comments(
    database: Database, user_id: uuid.UUID, request: pb.ListCommentsRequest
) -> pb.ListCommentsResponse:
    """The comments on a post, newest first. Raises POST_NOT_FOUND."""
    before = read_token(request.page_token, "pageToken")
    size = request.page_size if request.HasField("page_size") else COMMENTS
    post_id = await _visible_post(database, user_id, request.post_id)
    rows = await sql.list_comments(database, post_id, before, size + 1)
    reply = pb.ListCommentsResponse(comments=[_comment(row) for row in rows[:size]])
    if len(rows) > size:
        reply.next_page_token = make_token(rows[size - 1].number)
    return reply


async def add_comment(
    database: Database, clock: Clock, user_id: uuid.UUID, post_id: str, content: str
) -> pb.Comment:
    """Comment on a post. Raises POST_NOT_FOUND."""
    now = clock()
    async with database.begin() as conn:
        found = await _visible_post(conn, user_id, post_id)
        await sql.add_comment(conn, found, user_id, content=content, now=now)
    comment = pb.Comment(user_id=str(user_id), post_id=str(found), content=content)
    comment.upload_time.FromDatetime(now)
    return comment


def _asked(friend_ids: Iterable[str], visible: set[uuid.UUID]) -> set[uuid.UUID]:
    """Those of `visible` whose posts are asked for: all when no id is given."""
    names = {name for each in friend_ids for part in each.split(",") if (name := part.strip())}
    return visible & {parse_uuid(name) for name in names} if names else visible


async def _visible_post(reader: Reader, user_id: uuid.UUID, post_id: str) -> uuid.UUID:
    """The post of that id, if the user may see it. Raises POST_NOT_FOUND."""
    found = parse_uuid(post_id)
    owner = await sql.owner_of(reader, found) if found else None
    if found is None or owner is None:
        raise ApiError(AppReason.POST_NOT_FOUND)
    if owner != user_id and owner not in await mutual_friends(reader, user_id):
        raise ApiError(AppReason.POST_NOT_FOUND)
    return found


def _add_post(reply: pb.ListPostsResponse, row: sql.Post) -> pb.Post:
    return reply.posts.add(
        post_id=str(row.id),
        upload_time=timestamp(row.created_at),
        title=row.title or "",
        content=row.content or "",
    )


def _comment(row: sql.Comment) -> pb.Comment:
    return pb.Comment(
        user_id=str(row.user_id),
        post_id=str(row.post_id),
        content=row.content,
        upload_time=timestamp(row.created_at),
    )
