"""The sample schedule, built as an order of ours, comes out as B2MML with the sample's content."""

from __future__ import annotations

import os
import xml.etree.ElementTree as ET
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest

SHARED = Path(os.environ.get("ARTERY_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data"))
SAMPLE = SHARED / "b2mml" / "PRO-20121210181416-27942.xml"
V0401 = "{http://www.wbf.org/xml/B2MML-V0401}"
V0700 = "{http://www.mesa.org/xml/B2MML}"

ORDER = """
insert into artery_erp.unit (code, name, dimension) values ('KG', 'kilogram', 'mass');
insert into artery_erp.item (code, name, status, source, stock_unit) values
('SO1215', 'Final 1215', 'released', 'make', 'KG'),
('CRBN0001', 'Carbon <1> & Co', 'released', 'buy', 'KG'),
('CRBN0002', 'Carbon 2', 'released', 'buy', 'KG'),
('CRBN0003', 'Carbon 3', 'released', 'buy', 'KG');
insert into artery_erp.warehouse (code, name, kind)
select b, b, 'line_side' from unnest('{BOX1,BOX3,BOX4}'::text[]) as b;
with bom as (
    insert into artery_erp.bom (item_code, revision, status, unit)
    values ('SO1215', 'A', 'released', 'KG') returning id
), operation as (
    insert into artery_erp.bom_operation (bom_id, operation_no, name, work_center, run_minutes)
    select id, 10, 'Weighing', '3', 1 from bom
)
insert into artery_erp.bom_line (
    bom_id, line_no, component_code, quantity, unit, operation_no, warehouse_code
)
select bom.id, v.n, v.item, v.quantity, 'KG', 10, v.box from bom cross join (values
    (10, 'CRBN0001', 5, 'BOX3'), (20, 'CRBN0002', 50, 'BOX1'), (30, 'CRBN0001', 811, 'BOX3'),
    (40, 'CRBN0003', 100, 'BOX4')
) as v (n, item, quantity, box);
insert into artery_erp.manufacturing_order (mo_no, item_code, quantity, unit)
values ('258456', 'SO1215', 1, 'KG');
"""


@pytest.fixture
def mes(conn: psycopg.Connection) -> psycopg.Connection:
    conn.execute(ORDER.encode())
    conn.execute("select artery_mes.setup_mes('http://mes.example/api/v1')")
    return conn


def sent(conn: psycopg.Connection) -> tuple[str, str, ET.Element]:
    row = conn.execute(
        "select topic, content_type, body from artery.integration_task order by id desc limit 1"
    ).fetchone()
    assert row
    return row[0], row[1], ET.fromstring(row[2])


def material(element: ET.Element, ns: str) -> tuple[str | None, ...]:
    """Definition, use, place, quantity, unit, line."""
    quantity = element.findtext(f"{ns}Quantity/{ns}QuantityString")
    assert quantity
    place = element.findtext(f"{ns}Location/{ns}EquipmentID")
    return (
        element.findtext(f"{ns}MaterialDefinitionID"),
        element.findtext(f"{ns}MaterialUse"),
        place or element.findtext(f"{ns}StorageLocation/{ns}Location"),
        str(Decimal(quantity).normalize()),
        element.findtext(f"{ns}Quantity/{ns}UnitOfMeasure"),
        element.findtext(
            f"{ns}MaterialRequirementProperty[{ns}ID='Indice']/{ns}Value/{ns}ValueString"
        ),
    )


def content(root: ET.Element, ns: str, child: str, parameter: str) -> dict[str, object]:
    """Request, what it makes, its operation, what that consumes: without versions and times."""
    request = root.find(f".//{ns}ProductionRequest") or root.find(f".//{ns}OperationsRequest")
    assert request is not None
    segment = request.find(f"{ns}SegmentRequirement")
    assert segment is not None
    operation = segment.find(f"{ns}{child}")
    assert operation is not None
    center = operation.find(f"{ns}{parameter}")
    assert center is not None
    return {
        "order": request.findtext(f"{ns}ID"),
        "segment": segment.findtext(f"{ns}ID"),
        "made": [material(m, ns) for m in segment.findall(f"{ns}MaterialRequirement")],
        "operation": operation.findtext(f"{ns}ProcessSegmentID"),
        "center": (
            center.findtext(f"{ns}ID"),
            center.findtext(f"{ns}Value/{ns}ValueString"),
            center.findtext(f"{ns}Value/{ns}DataType"),
        ),
        "consumed": [material(m, ns) for m in operation.findall(f"{ns}MaterialRequirement")],
    }


WANTED = {
    "order": "258456",
    "segment": "0010",
    "made": [("SO1215", "Produced", None, "1", "KG", None)],
    "operation": "Weighing",
    "center": ("Center", "3", "Text"),
    "consumed": [
        ("CRBN0001", "Consumed", "BOX3", "5", "KG", "0010"),
        ("CRBN0002", "Consumed", "BOX1", "5E+1", "KG", "0020"),
        ("CRBN0001", "Consumed", "BOX3", "811", "KG", "0030"),
        ("CRBN0003", "Consumed", "BOX4", "1E+2", "KG", "0040"),
    ],
}


@pytest.mark.skipif(
    not SAMPLE.is_file(), reason="the sample data is absent (set ARTERY_SHARED_DATA to its folder)"
)
def test_the_real_sample_says_what_we_want() -> None:
    """All of it but the containers already weighed, which an ERP does not plan."""
    sample = ET.parse(SAMPLE).getroot()
    parameter = f"ProductionParameter/{V0401}Parameter"
    assert content(sample, V0401, "SegmentRequirement", parameter) == WANTED


def test_v0401(mes: psycopg.Connection) -> None:
    mes.execute("select artery_mes.set_format('b2mml_v0401', 'DEV130')")
    mes.execute("select artery_erp.release_manufacturing_order('258456')")
    topic, content_type, root = sent(mes)
    assert (topic, content_type) == ("mes.mo.create", "application/xml")
    assert root.tag == f"{V0401}SyncProductionSchedule"
    assert root.findtext(f".//{V0401}LogicalID") == "DEV130"
    parameter = f"ProductionParameter/{V0401}Parameter"
    assert content(root, V0401, "SegmentRequirement", parameter) == WANTED
    values = [e.text for e in root.iterfind(f".//{V0401}SegmentRequirement//{V0401}ValueString")]
    assert values[:2] == ["1", "released"]
    names = [e.text for e in root.iter(f"{V0401}Description")]
    assert names[1] == "Carbon <1> & Co"


def test_v0700(mes: psycopg.Connection) -> None:
    mes.execute("select artery_mes.set_format('b2mml_v0700')")
    mes.execute("select artery_erp.release_manufacturing_order('258456')")
    mes.execute("update artery_erp.manufacturing_order set status = 'held'")
    _, _, root = sent(mes)
    assert root.tag == f"{V0700}SyncOperationsSchedule"
    assert content(root, V0700, "SegmentRequirementChild", "SegmentParameter") == WANTED
    assert root.findtext(f".//{V0700}OperationsRequest/{V0700}Version") == "2"
    assert root.findtext(f".//{V0700}RequestState") == "Held"
    mes.execute("update artery_erp.manufacturing_order set status = 'cancelled'")
    topic, _, root = sent(mes)
    assert topic == "mes.mo.cancel"
    assert root.tag == f"{V0700}CancelOperationsSchedule"
    assert root.findtext(f".//{V0700}RequestState") == "Cancelled"


def test_json_again(mes: psycopg.Connection) -> None:
    mes.execute("select artery_mes.set_format('b2mml_v0700')")
    mes.execute("select artery_mes.set_format('json')")
    mes.execute("select artery_erp.release_manufacturing_order('258456')")
    assert mes.execute(
        "select content_type, body::jsonb ->> 'mo_no' from artery.integration_task"
    ).fetchone() == ("application/json", "258456")
    with pytest.raises(psycopg.errors.CheckViolation):
        mes.execute("select artery_mes.set_format('csv')")
