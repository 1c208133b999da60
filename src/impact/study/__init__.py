"""One study is one YAML file: its model, and how it is read. May touch: the study file itself, through `load`."""

from impact.study.load import below, json_schema, load_delivery, load_study, locate_delivery
from impact.study.model import Study

__all__ = ["Study", "below", "json_schema", "load_delivery", "load_study", "locate_delivery"]
