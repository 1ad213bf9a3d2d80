"""People of the app as the cases need them: put into the database, each in a state of their own."""

from __future__ import annotations

import base64
import functools
import hashlib
import itertools
import random
import uuid
from collections.abc import Callable, Coroutine
from datetime import date, datetime, timedelta
from io import BytesIO
from typing import Any
from zoneinfo import ZoneInfo

from PIL import Image, ImageDraw
from sqlalchemy import delete, insert, select, update

from core.platform.clock import utc_now
from core.platform.paging import make_token
from core.platform.signing import Signer
from core.room.accounts import sql as auth
from core.room.accounts.passwords import hash_password
from core.room.accounts.tables import auth_failures, auth_refresh_tokens, auth_sessions, users
from core.room.accounts.tokens import AUDIENCE as ACCESS
from core.room.friend import sql as friends
from core.room.media.files import AUDIENCE as MEDIA
from core.room.mission.tables import missions, today_missions
from core.room.post import sql as posts
from tests.e2e.service import Service
from tests.support import Person, make_person, tables

# Callers, by the variable that holds their token.
CALLERS = {
    "user": "USER_TOKEN",
    "friend": "FRIEND_TOKEN",
    "stranger": "STRANGER_TOKEN",
    "signed out": "SIGNED_OUT_TOKEN",
    "expired": "EXPIRED_TOKEN",
    "forged": "FORGED_TOKEN",
    "new": "NEW_TOKEN",
}
PASSWORD = "testPassword"
CODE = "123456"
ZONE = ZoneInfo("Asia/Seoul")
# Numbers that are nobody's: a run's own part of them, apart from those of other tests.
_numbers = itertools.count(70_000_000)

State = Callable[["People", Person, dict[str, str]], Coroutine[Any, Any, None]]


class People:
    """Makes people in a running service's database, with tokens by its own keys."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.database = service.database
        self.keys = service.directory / "token-keys.json"
        self.signer = Signer(self.keys, utc_now)

    async def add(self, **columns: Any) -> Person:
        """Somebody with a password, of a name that nobody else has; `columns` may say otherwise."""
        email = f"{uuid.uuid4().hex}@naver.com"
        complete = {"email": email, "birth": date(2001, 5, 25), "password_hash": _password_hash()}
        name = columns.pop("name", f"사람 {uuid.uuid4().hex[:12]}")
        return await make_person(
            self.database, self.service.channel, name, self.keys, **(complete | columns)
        )

    async def befriend(self, one: Person, other: Person, mutual: bool = True) -> None:
        """`one` adds `other`, and the other way round."""
        async with self.database.begin() as conn:
            await friends.add(conn, one.id, other.id, utc_now())
            if mutual:
                await friends.add(conn, other.id, one.id, utc_now())

    async def list_mission(
        self, person: Person, content: str, day: date | None = None, done: bool = False
    ) -> str:
        """Put a mission on a list, today's if no day is given. Its id."""
        now, mission_id = utc_now(), uuid.uuid4()
        async with tables(self.database) as conn:
            await conn.execute(
                insert(today_missions).values(
                    id=mission_id,
                    user_id=person.id,
                    content=content,
                    day=day or now.astimezone(ZONE).date(),
                    listed_at=now,
                    completed_at=now if done else None,
                )
            )
        return str(mission_id)

    async def post(self, person: Person, title: str, count: int = 1) -> dict[str, Any]:
        """A post of so many pictures, as the person sees it."""
        headers = {"Authorization": f"Bearer {person.access_token}"}
        files = [("files", ("방.jpg", picture(seed=n), "image/jpeg")) for n in range(count)]
        data = {"title": title, "content": f"{title}의 내용"}
        http = self.service.http
        reply = await http.post("/api/post", files=files, data=data, headers=headers)
        assert reply.status_code == 201, reply.text
        reply = await http.get("/api/post", params={"friendIds": str(person.id)}, headers=headers)
        found: dict[str, Any] = reply.json()["data"]["posts"][0]
        return found

    async def comment(self, person: Person, post_id: str, content: str) -> None:
        """A comment on a post."""
        async with self.database.begin() as conn:
            await posts.add_comment(
                conn, uuid.UUID(post_id), person.id, content=content, now=utc_now()
            )

    def token(self, person: Person, session_id: uuid.UUID, expires: datetime) -> str:
        """An access token."""
        claims = {"sub": str(person.id), "sid": str(session_id)}
        return self.signer.sign(ACCESS, claims, expires)

    async def make(self, states: list[str]) -> dict[str, str]:
        """A person of the case's own, in each of the states; the variables that they give."""
        person = await self.add(**_COLUMNS.get(states[0] if states else "", {}))
        phone = f"010{next(_numbers)}"
        found = {
            "NEW_TOKEN": person.access_token,
            "NEW_USER_ID": str(person.id),
            "NEW_USER_NAME": person.name,
            "NEW_PHONE": phone,
            "NEW_EMAIL": f"{uuid.uuid4().hex}@naver.com",
            "NEW_NAME": f"이름 {uuid.uuid4().hex[:12]}",
        }
        for state in states:
            await STATES[state](self, person, found)
        return found


async def app_variables(people: People) -> dict[str, str]:
    """What the cases of the app name: `${USER_ID}` and the like (docs/testing.md lists them)."""
    user, friend, stranger, added, follower = [await people.add() for _ in range(5)]
    await people.befriend(user, friend)
    await people.befriend(user, added, mutual=False)
    await people.befriend(follower, user, mutual=False)
    found = {"FOLLOWER_ID": str(follower.id)}
    named = {"USER": user, "FRIEND": friend, "STRANGER": stranger, "ADDED": added}
    for name, person in named.items():
        found |= {
            f"{name}_ID": str(person.id),
            f"{name}_NAME": person.name,
            f"{name}_TOKEN": person.access_token,
        }
        async with tables(people.database) as conn:
            query = select(users.c.email).where(users.c.id == person.id)
            found[f"{name}_EMAIL"] = str(await conn.scalar(query))
        found[f"{name}_MISSION_ID"] = await people.list_mission(person, f"{name} 방 청소")
    found["USER_DONE_ID"] = await people.list_mission(user, "빨래 개기", done=True)
    yesterday = utc_now().astimezone(ZONE).date() - timedelta(1)
    found["USER_OLD_MISSION_ID"] = await people.list_mission(user, "어제 할 일", yesterday)

    gone = await people.add()
    async with tables(people.database) as conn:
        await conn.execute(delete(auth_sessions).where(auth_sessions.c.user_id == gone.id))
        query = select(auth_sessions.c.id).where(auth_sessions.c.user_id == user.id)
        session_id = uuid.UUID(str(await conn.scalar(query)))
    found["SIGNED_OUT_TOKEN"] = gone.access_token
    found["EXPIRED_TOKEN"] = people.token(user, session_id, utc_now() - timedelta(seconds=1))
    later = utc_now() + timedelta(days=1)
    found["FORGED_TOKEN"] = user.access_token[:-6] + "AAAAAA"

    for name, person in (("USER", user), ("FRIEND", friend), ("STRANGER", stranger)):
        post = await people.post(person, f"{name} 청소 기록", count=2)
        found[f"{name}_POST_ID"] = post["postId"]
        file = post["postDetails"][0]
        found[f"{name}_FILE_ID"] = file["fileId"]
        for key, size in (("url", "MEDIA"), ("thumbnailUrl", "THUMBNAIL")):
            found[f"{name}_{size}_TOKEN"] = file[key].split("?token=")[1]
    await people.comment(friend, found["USER_POST_ID"], "잘했어요!")
    claims = {"file": found["USER_FILE_ID"], "size": "picture"}
    sign = people.signer.sign
    found["EXPIRED_MEDIA_TOKEN"] = sign(MEDIA, claims, utc_now() - timedelta(seconds=1))
    unknown = found["UNKNOWN_FILE_ID"] = str(uuid.uuid4())
    found["UNKNOWN_MEDIA_TOKEN"] = sign(MEDIA, claims | {"file": unknown}, later)
    found["UNKNOWN_SIZE_TOKEN"] = sign(MEDIA, claims | {"size": "huge"}, later)
    return found | _pictures()


# Pictures


def picture(seed: int = 0, size: tuple[int, int] = (320, 240), kind: str = "JPEG") -> bytes:
    """A small picture of boxes before a wall, the same for the same seed."""
    r = random.Random(seed)
    image = Image.new("RGB", size, (200, 190, 175))
    draw = ImageDraw.Draw(image)
    for _ in range(60):
        x, y = r.randrange(size[0]), r.randrange(size[1])
        colour = (r.randrange(256), r.randrange(256), r.randrange(256))
        draw.rectangle((x, y, x + r.randrange(5, 40), y + r.randrange(5, 40)), fill=colour)
    file = BytesIO()
    image.save(file, kind)
    return file.getvalue()


@functools.cache
def _pictures() -> dict[str, str]:
    """Files as base64."""
    clear = BytesIO()
    Image.new("RGBA", (64, 48), (255, 0, 0, 100)).save(clear, "PNG")
    bomb = BytesIO()
    Image.new("1", (10_000, 6_000)).save(bomb, "PNG")
    jpeg = picture()
    files = {
        "PICTURE": jpeg,
        "PICTURE_2": picture(seed=1),
        "PICTURE_PNG": picture(kind="PNG"),
        "PICTURE_CLEAR": clear.getvalue(),
        "PICTURE_WEBP": picture(kind="WEBP"),
        "PICTURE_HEIC": picture(kind="HEIF"),
        "PICTURE_GIF": picture(kind="GIF"),
        "PICTURE_CUT": jpeg[: len(jpeg) // 2],
        "PICTURE_BOMB": bomb.getvalue(),
        "NO_PICTURE": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        "LARGE_FILE": jpeg + bytes(10 * 1024 * 1024),
    }
    return {name: base64.b64encode(content).decode() for name, content in files.items()}


@functools.cache
def _password_hash() -> str:
    return hash_password(PASSWORD)


@functools.cache
def _code_hash() -> str:
    return hash_password(CODE)


# States of a case's own person: what `given` names

STATES: dict[str, State] = {}
# Columns of `users` that a state asks for.
_COLUMNS: dict[str, dict[str, Any]] = {
    "incomplete": {"email": None, "birth": None, "password_hash": None},
}


def _state(name: str) -> Callable[[State], State]:
    def add(function: State) -> State:
        STATES[name] = function
        return function

    return add


@_state("incomplete")
async def _incomplete(people: People, person: Person, found: dict[str, str]) -> None:
    """An account without a password: NEW_PHONE is its number."""
    await _set_phone(people, person, found)


@_state("complete")
async def _complete(people: People, person: Person, found: dict[str, str]) -> None:
    """An account with a password: NEW_PHONE and NEW_EMAIL are its own."""
    await _set_phone(people, person, found)
    async with tables(people.database) as conn:
        statement = update(users).where(users.c.id == person.id)
        await conn.execute(statement.values(email=found["NEW_EMAIL"]))


@_state("code")
async def _code(people: People, person: Person, found: dict[str, str]) -> None:
    """The code 123456 was sent to NEW_PHONE."""
    await _put_code(people, found, timedelta(minutes=30))


@_state("expired code")
async def _expired_code(people: People, person: Person, found: dict[str, str]) -> None:
    """The code 123456 was sent to NEW_PHONE, too long ago."""
    await _put_code(people, found, timedelta(seconds=-1))


@_state("tried code")
async def _tried_code(people: People, person: Person, found: dict[str, str]) -> None:
    """The code 123456 was sent to NEW_PHONE, and twenty others were tried."""
    await _put_code(people, found, timedelta(minutes=30))
    async with people.database.begin() as conn:
        for n in range(20):
            await auth.count_try(conn, _e164(found), f"192.0.2.{n % 4}")


@_state("code tried by a stranger")
async def _strangers_tries(people: People, person: Person, found: dict[str, str]) -> None:
    """The code 123456 was sent to NEW_PHONE, and somebody has used up his five tries."""
    await _put_code(people, found, timedelta(minutes=30))
    async with people.database.begin() as conn:
        for _ in range(5):
            await auth.count_try(conn, _e164(found), "192.0.2.1")


@_state("just sent")
async def _just_sent(people: People, person: Person, found: dict[str, str]) -> None:
    """A code was asked for a moment ago; the clock's margin is a day's."""
    async with people.database.begin() as conn:
        await auth.add_request(conn, _e164(found), "192.0.2.1", utc_now() + timedelta(hours=1))


@_state("guessed at")
async def _guessed_at(people: People, person: Person, found: dict[str, str]) -> None:
    """Many log-ins of NEW_EMAIL have failed."""
    key = hashlib.sha256(f"email:{found['NEW_EMAIL']}".encode()).digest()
    now = utc_now()
    async with tables(people.database) as conn:
        await conn.execute(
            insert(auth_failures).values(key=key, failures=40, first_at=now, last_at=now)
        )


@_state("refresh token")
async def _refresh_token(people: People, person: Person, found: dict[str, str]) -> None:
    """The session can be renewed with REFRESH_TOKEN."""
    await _put_refresh_token(people, person, found, utc_now() + timedelta(days=1))


@_state("expired refresh token")
async def _expired_refresh_token(people: People, person: Person, found: dict[str, str]) -> None:
    """REFRESH_TOKEN is too old."""
    await _put_refresh_token(people, person, found, utc_now() - timedelta(seconds=1))


@_state("used refresh token")
async def _used_refresh_token(people: People, person: Person, found: dict[str, str]) -> None:
    """REFRESH_TOKEN has been used."""
    await _put_refresh_token(people, person, found, utc_now() + timedelta(days=1))
    async with tables(people.database) as conn:
        hashed = hashlib.sha256(found["REFRESH_TOKEN"].encode()).digest()
        statement = update(auth_refresh_tokens).where(auth_refresh_tokens.c.hash == hashed)
        await conn.execute(statement.values(used_at=utc_now()))


@_state("suggestion")
async def _suggestion(people: People, person: Person, found: dict[str, str]) -> None:
    """MISSION_ID was suggested today, MISSION_CONTENT is what there is to do."""
    await _suggest(people, person, found, 0)


@_state("old suggestion")
async def _old_suggestion(people: People, person: Person, found: dict[str, str]) -> None:
    """MISSION_ID was suggested yesterday."""
    await _suggest(people, person, found, 1)


@_state("mission")
async def _mission(people: People, person: Person, found: dict[str, str]) -> None:
    """MISSION_ID is on the list."""
    found["MISSION_ID"] = await people.list_mission(person, "책상 정리")


@_state("done mission")
async def _done_mission(people: People, person: Person, found: dict[str, str]) -> None:
    """DONE_ID is on the list, and done."""
    found["DONE_ID"] = await people.list_mission(person, "빨래 개기", done=True)


@_state("old mission")
async def _old_mission(people: People, person: Person, found: dict[str, str]) -> None:
    """A mission is on yesterday's list."""
    yesterday = utc_now().astimezone(ZONE).date() - timedelta(1)
    await people.list_mission(person, "어제 할 일", yesterday)


@_state("full list")
async def _full_list(people: People, person: Person, found: dict[str, str]) -> None:
    """Three missions are on the list, LISTED_ID the first of them."""
    ids = [await people.list_mission(person, f"할 일 {n}") for n in range(3)]
    found["LISTED_ID"] = ids[0]


@_state("done list")
async def _done_list(people: People, person: Person, found: dict[str, str]) -> None:
    """Three missions are on the list, and done."""
    for n in range(3):
        await people.list_mission(person, f"한 일 {n}", done=True)


@_state("everything listed")
async def _everything_listed(people: People, person: Person, found: dict[str, str]) -> None:
    """Each registered mission is on today's list."""
    async with tables(people.database) as conn:
        contents = list(await conn.scalars(select(missions.c.content)))
    for content in contents:
        await people.list_mission(person, content)


@_state("another")
async def _another(people: People, person: Person, found: dict[str, str]) -> None:
    """There is ANOTHER_ID, whom the person does not know."""
    found["ANOTHER_ID"] = str((await people.add()).id)


@_state("added another")
async def _added_another(people: People, person: Person, found: dict[str, str]) -> None:
    """The person has added ANOTHER_ID."""
    another = await people.add()
    await people.befriend(person, another, mutual=False)
    found["ANOTHER_ID"] = str(another.id)


@_state("added by another")
async def _added_by_another(people: People, person: Person, found: dict[str, str]) -> None:
    """ANOTHER_ID has added the person."""
    another = await people.add()
    await people.befriend(another, person, mutual=False)
    found["ANOTHER_ID"] = str(another.id)


@_state("post")
async def _post(people: People, person: Person, found: dict[str, str]) -> None:
    """POST_ID is the person's."""
    found["POST_ID"] = (await people.post(person, "청소"))["postId"]


@_state("a friend's post")
async def _friends_post(people: People, person: Person, found: dict[str, str]) -> None:
    """POST_ID is a friend's."""
    friend = await people.add()
    await people.befriend(person, friend)
    found["POST_ID"] = (await people.post(friend, "청소"))["postId"]


@_state("files only")
async def _files_only(people: People, person: Person, found: dict[str, str]) -> None:
    """POST_ID is the person's, and has neither title nor text."""
    headers = {"Authorization": f"Bearer {person.access_token}"}
    files = [("files", ("방.jpg", picture(), "image/jpeg"))]
    reply = await people.service.http.post("/api/post", files=files, headers=headers)
    found["POST_ID"] = reply.json()["data"]["postId"]


@_state("many posts")
async def _many_posts(people: People, person: Person, found: dict[str, str]) -> None:
    """The person has 105 posts, "0" the first; PAGE_TOKEN leads on from the newest hundred."""
    rows = [
        {"id": uuid.uuid4(), "user_id": person.id, "title": str(n), "created_at": utc_now()}
        for n in range(105)
    ]
    async with tables(people.database) as conn:
        await conn.execute(insert(posts.posts), rows)  # type: ignore[attr-defined]
        query = select(posts.posts.c.number).where(posts.posts.c.id == rows[5]["id"])  # type: ignore[attr-defined]
        found["PAGE_TOKEN"] = make_token(int(await conn.scalar(query) or 0))


@_state("many posts of another")
async def _many_posts_of_another(people: People, person: Person, found: dict[str, str]) -> None:
    """PAGE_TOKEN is of somebody else's posts."""
    await _many_posts(people, await people.add(), found)


@_state("namesakes")
async def _namesakes(people: People, person: Person, found: dict[str, str]) -> None:
    """Two have the name NEW_NAME; OLDEST_ID has the older account."""
    now = utc_now()
    for days in (1, 2):
        one = await people.add(name=found["NEW_NAME"], created_at=now - timedelta(days))
        found["OLDEST_ID"] = str(one.id)


def _e164(found: dict[str, str]) -> str:
    return "+82" + found["NEW_PHONE"].removeprefix("0")


async def _set_phone(people: People, person: Person, found: dict[str, str]) -> None:
    async with tables(people.database) as conn:
        statement = update(users).where(users.c.id == person.id)
        await conn.execute(statement.values(phone=_e164(found)))


async def _put_code(people: People, found: dict[str, str], life: timedelta) -> None:
    async with people.database.begin() as conn:
        await auth.put_code(conn, _e164(found), _code_hash(), utc_now() + life)


async def _put_refresh_token(
    people: People, person: Person, found: dict[str, str], expires: datetime
) -> None:
    found["REFRESH_TOKEN"] = f"ort_{uuid.uuid4().hex}"
    hashed = hashlib.sha256(found["REFRESH_TOKEN"].encode()).digest()
    async with tables(people.database) as rows:
        query = select(auth_sessions.c.id).where(auth_sessions.c.user_id == person.id)
        session_id = uuid.UUID(str(await rows.scalar(query)))
    async with people.database.begin() as conn:
        await auth.add_refresh_token(conn, session_id, hashed, expires)


async def _suggest(people: People, person: Person, found: dict[str, str], days_ago: int) -> None:
    now, mission_id = utc_now(), uuid.uuid4()
    async with tables(people.database) as conn:
        known = (await conn.execute(select(missions).order_by(missions.c.content).limit(1))).one()
        await conn.execute(
            insert(today_missions).values(
                id=mission_id,
                user_id=person.id,
                mission_id=known.id,
                content=known.content,
                day=now.astimezone(ZONE).date() - timedelta(days_ago),
                suggested_at=now - timedelta(days_ago),
            )
        )
    found |= {"MISSION_ID": str(mission_id), "MISSION_CONTENT": known.content}
