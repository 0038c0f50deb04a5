"""Who wants to be thanked by name."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.challenges.models import Member
from portal.core.db import Model


class Acknowledgement(Model):
    """A member's consent to be thanked under this name. It is withdrawn by deleting the row: nothing is kept of it."""

    __tablename__ = "acknowledgement"
    __table_args__ = (sa.CheckConstraint("length(name) > 0", name="name_there"),)

    member_id: Mapped[int] = mapped_column(sa.ForeignKey(Member.id, ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(120))
    given_at: Mapped[datetime]
    member: Mapped[Member] = relationship()
