"""PostService: messages in, use cases, messages out."""

from __future__ import annotations

import grpc
from onegenie.post.v1 import post_pb2 as pb
from onegenie.post.v1 import post_pb2_grpc as pb_grpc

from core.platform.runtime import Runtime
from core.platform.text import paragraphs
from core.room.accounts.identity import user
from core.room.media.files import Media
from core.room.post.create_post import create_post
from core.room.post.read_posts import add_comment, list_comments, list_posts
from edge.reply.errors import FieldViolation, invalid


class PostService(pb_grpc.PostServiceServicer):
    """Serves onegenie.post.v1.PostService."""

    def __init__(self, runtime: Runtime, media: Media) -> None:
        self._database = runtime.database
        self._clock = runtime.clock
        self._media = media

    async def CreatePost(
        self, request: pb.CreatePostRequest, context: grpc.aio.ServicerContext
    ) -> pb.CreatePostResponse:
        post_id = await create_post(
            self._database,
            self._media,
            self._clock,
            user().id,
            request.files,
            request.title,
            request.content,
        )
        return pb.CreatePostResponse(post_id=str(post_id))

    async def ListPosts(
        self, request: pb.ListPostsRequest, context: grpc.aio.ServicerContext
    ) -> pb.ListPostsResponse:
        return await list_posts(self._database, self._media, user().id, request)

    async def AddComment(
        self, request: pb.AddCommentRequest, context: grpc.aio.ServicerContext
    ) -> pb.AddCommentResponse:
        if not (content := paragraphs(request.content)):
            raise invalid(FieldViolation("content", "is required"))
        comment = await add_comment(
            self._database, self._clock, user().id, request.post_id, content
        )
        return pb.AddCommentResponse(comment=comment)

    async def ListComments(
        self, request: pb.ListCommentsRequest, context: grpc.aio.ServicerContext
    ) -> pb.ListCommentsResponse:
        return await list_comments(self._database, user().id, request)
