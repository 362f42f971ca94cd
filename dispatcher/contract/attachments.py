"""Files that travel in a message, for all queues that can send some."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from dispatcher.contract.base import Text


class File(BaseModel):
    """A file in a message."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    filename: Annotated[str, StringConstraints(min_length=1, max_length=255)] = Field(
        description="As the reader sees it."
    )
    content: str = Field(description="The file in base64.", json_schema_extra={"contentEncoding": "base64"})


class Attachment(File):
    """A file that travels with the mail."""

    content_type: str = Field(default="application/octet-stream", description="MIME type: `application/pdf`.")
    content_id: Text | None = Field(
        default=None, description='Makes it an inline image that the HTML shows with `<img src="cid:…">`.'
    )
