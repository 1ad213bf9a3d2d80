"""PostService: messages in, use cases, messages out."""

from __future__ import annotations

import grpc
from onegenie.post.v1 import post_pb2 as pb
from onegenie.post.v1 import post_pb2_grpc as pb_grpc

from core.platform.plain import timestamp
from core.platform.runtime import Runtime
from core.room.accounts.identity import user
from core.room.media.files import Media
from core.room.post import sql
from core.room.post.add_comment import AddComment, add_comment
from core.room.post.create_post import CreatePost, create_post
from core.room.post.list_comments import ListComments, list_comments
from core.room.post.list_posts import LinkedFile, ListPosts, WholePost, list_posts


class PostService(pb_grpc.PostServiceServicer):
    """Serves onegenie.post.v1.PostService."""

    def __init__(self, runtime: Runtime, media: Media) -> None:
        self._runtime = runtime
        self._media = media

    async def CreatePost(
        self, request: pb.CreatePostRequest, context: grpc.aio.ServicerContext
    ) -> pb.CreatePostResponse:
        command = CreatePost(
            files=[file.content for file in request.files],
            title=request.title,
            content=request.content,
        )
        post_id = await create_post(self._runtime, self._media, user().id, command)
        return pb.CreatePostResponse(post_id=str(post_id))

    async def ListPosts(
        self, request: pb.ListPostsRequest, context: grpc.aio.ServicerContext
    ) -> pb.ListPostsResponse:
        command = ListPosts(
            friend_ids=list(request.friend_ids),
            page_size=request.page_size if request.HasField("page_size") else None,
            page_token=request.page_token,
            next_page_token=request.next_page_token,
        )
        page = await list_posts(self._runtime.database, self._media, user().id, command)
        return pb.ListPostsResponse(
            posts=[_post(each) for each in page.posts], next_page_token=page.next_page_token
        )

    async def AddComment(
        self, request: pb.AddCommentRequest, context: grpc.aio.ServicerContext
    ) -> pb.AddCommentResponse:
        command = AddComment(post_id=request.post_id, content=request.content)
        comment = await add_comment(self._runtime, user().id, command)
        return pb.AddCommentResponse(comment=_comment(comment))

    async def ListComments(
        self, request: pb.ListCommentsRequest, context: grpc.aio.ServicerContext
    ) -> pb.ListCommentsResponse:
        command = ListComments(
            post_id=request.post_id,
            page_size=request.page_size if request.HasField("page_size") else None,
            page_token=request.page_token,
        )
        page = await list_comments(self._runtime.database, user().id, command)
        return pb.ListCommentsResponse(
            comments=[_comment(row) for row in page.comments],
            next_page_token=page.next_page_token,
        )


def _post(whole: WholePost) -> pb.Post:
    return pb.Post(
        post_id=str(whole.post.id),
        upload_time=timestamp(whole.post.created_at),
        title=whole.post.title or "",
        content=whole.post.content or "",
        post_details=[_detail(file) for file in whole.files],
        comments=[_comment(comment) for comment in whole.comments],
    )


def _detail(linked: LinkedFile) -> pb.PostDetail:
    return pb.PostDetail(
        file_id=str(linked.file.id),
        url=linked.url,
        thumbnail_url=linked.thumbnail_url,
        content_type=linked.file.content_type,
        width=linked.file.width,
        height=linked.file.height,
    )


def _comment(row: sql.Comment) -> pb.Comment:
    return pb.Comment(
        user_id=str(row.user_id),
        post_id=str(row.post_id),
        content=row.content,
        upload_time=timestamp(row.created_at),
    )
