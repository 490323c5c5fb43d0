"""Lines that SQL makes, in Chinese: by code, with what they speak of. What has none: in English."""

from __future__ import annotations

from datetime import datetime

from pg_artery.commands.listing import Row, cell
from pg_artery.monitor.words import punctuated

_ARM_ZH = (
    "任务在等待,一个也不会丢失。若这是生产库,且没有其他副本在发送:artery arm。"
    "若是副本:保持不动,或 artery arm --cancel-waiting。见 docs/backup.md。"
)

#: artery_monitor.attention(): code -> what was found, what to do
ATTENTION_ZH = {
    **{
        f"sending_{fault}": (f"什么都不发送:{why}", _ARM_ZH)
        for fault, why in {
            "never": "没有人允许本数据库发送",
            "restored": "本数据库由备份恢复而来",
            "disarmed": "{by} 于 {since} 停止了发送:{reason}",
            "cloned": "本数据库是可发送数据库的克隆",
            "system": "所在集群不是获准发送的集群:经过 pg_upgrade,或是副本",
            "timeline": "服务器在获准发送之后被提升或恢复过",
            "recovered": "服务器被恢复到过去的某一时刻(recovery_target…)",
            "port": "服务器的端口与获准发送时不同:已迁移,或是文件副本",
        }.items()
    },
    "sweeps_overdue": ("{count} 个清扫步骤超期或从未运行:{steps}",
        "没有人调用 artery.tick():请启动 artery run;已安装 pg_cron 时可执行 artery.schedule_sweeps()。"),
    "sweep_failed": ("{error}", "见 artery.sweep_step.error;会按间隔自动重试。"),
    "no_runner": ("没有存活的运行器,{due} 个任务已到期", "请启动 artery run。artery runner list 可查最近心跳。"),
    "runner_silent": ("主机 {host} 上的进程 {pid} 自 {since} 起失联",
        "租约到期后其任务已转给其他运行器。请检查该主机;该行会自动消失。"),
    "held": ("{held} 个挂起,结果未知;{dead} 个已终止;最近错误:{error}",
        "请向接收方核实结果,然后在任务页选择“已生效”、“未生效”或重试。"),
    "dead": ("{dead} 个已终止;最近错误:{error}",
        "排除原因后重试:artery task retry --topic {topic} --status dead,或在任务页全部重试。"),
    "behind": ("积压:{waiting} 个等待,最早的应于 {since} 发送", "接收方太慢、限速太低或运行器太少:见集成通道一览。"),
    "behind_breaker": ("积压:{waiting} 个等待,最早的应于 {since} 发送",
        "端点 {endpoint} 未正常开放:artery endpoint check {endpoint}"),
    "on_hold": ("{count} 个已暂停,最早自 {since} 起", "有人暂停了发送,可能忘了:在任务页按“已暂停”查询并恢复。"),
    "endpoint_disabled": ("已停用:{reason}", "排除原因后重新启用:artery endpoint set NAME enabled=true。"),
    "breaker_by_hand": ("手工停止调用:{reason}", "需手工恢复调用。"),
    "breaker": ("熔断:{reason}", "会自动试探;也可手工恢复调用。"),
    "saga_unknown": ("{saga}({document})的步骤 {step} 结果未知", "请核实是否已生效,然后选择结果,或再次查询、重试。"),
    "saga_stuck": ("{saga}({document})的步骤 {step} 撤销失败", "撤销最终失败:再次重试,或手工撤销后选择结果。"),
    "cloud_server": ("{problem}", "见 artery_procurement.cloud_status;处理办法见 docs/cloud-database.md。"),
    "inbox_rejected": ("{rejected} 条被拒绝", "打开接收区查看原因,更正后重新处理;或 artery staging list {inbox} --status rejected。"),
    "inbox_behind": ("最早的消息自 {since} 起等待", "清扫没有跟上:见“系统”页的清扫状态。"),
    "reports_at_erp": (
        "{count} 条报工等待 ERP 自己的程序处理,最早自 {since} 起",
        "ERP 的工作进程在运行吗?见 artery_monitor.reports_at_erp;会自动再次询问。",
    ),
    "reply_handlers": ("{count} 个应答未处理,最早自 {since} 起", "见这些任务的回执处理错误;会自动再次处理,绝不会重发。"),
    "partitions": ("分区只够 {days} 天", "由清扫步骤 create_partitions 建立:见“系统”页的清扫状态。"),
    "partitions_wait": ("{count} 个分区({size})已过保留期,仍未归档,最早的是 {day}",
        "它们等待 artery archive run:是否每天运行?输出了什么?"),
    "partitions_problem": ("{count} 个分区({size})已过保留期,仍未删除,最早的是 {day}:{problem}",
        "清扫每分钟重试:见 artery_monitor.archive_status。"),
    "partitions_stay": ("{count} 个分区({size})已过保留期,仍未删除,最早的是 {day}",
        "由清扫步骤 drop_partitions 删除:见“系统”页的清扫状态。"),
    "partitions_detached": ("{count} 个分区自 {since} 起已分离,但不在任何文件中",
        "artery archive run 没有完成:请再次运行。在此之前查询看不到这些行。"),
    "invoice_alarm": ("网关应答与请求不符:{differences}",
        "与网关核实后:select artery_tax.decide_alarm({alarm}, true 或 false, 原因)。"),
    "invoice_refused": ("{count} 张被拒,最近的 {last}:{reason}",
        "更正后 artery_tax.request_invoice(单号),或 artery_tax.cancel_invoice(单号, 原因)。"),
    "invoice_undelivered": ("{count} 张未送达,最近的 {last}:{reason}",
        "更正后 artery_tax.request_invoice(单号),或 artery_tax.cancel_invoice(单号, 原因)。"),
    "invoice_waiting": ("{count} 张等待,{profile} 没有设置网关",
        "artery_tax.setup_gateway(地址),然后 artery_tax.request_drafts()。"),
    "invoice_requested": ("{count} 张超过一小时没有应答,或任务已取消;最早的 {first}",
        "见 artery_tax.invoice_status;已取消的用 artery_tax.request_invoice 重新申请。"),
}  # fmt: skip

#: artery_monitor.doctor(): the subject, or its first word -> what to do or what it costs
SET_UP_ZH = {
    "PostgreSQL": "支持的版本是 15 至 18。",
    "extension pg_cron": "没有它,只有运行器在时才清扫;有它则自动清扫:artery.schedule_sweeps()。",
    "extension pg_jsonschema": "没有它,JSON 模式由自带函数检查,较慢。",
    "extension timescaledb": "没有它,传感器读数按日分区存放,不压缩。",
    "extension postgres_fdw": "没有它,不能从云端 PostgreSQL 取发货通知:docs/cloud-database.md。",
    "extension pg_stat_statements": "没有它,慢语句较难查找。",
    "setting fsync": "崩溃会损坏数据库:设为 on。",
    "setting full_page_writes": "崩溃可能损坏数据库:设为 on。",
    "setting synchronous_commit": "崩溃会丢失已确认的提交:设为 on。",
    "setting autovacuum": "队列会越来越慢:设为 on。",
    "setting track_counts": "自动清理需要它:设为 on。",
    "setting session_replication_role": "触发器不执行,不校验也不入队:重置该设置。",
    "setting default_transaction_read_only": "既不能入队也不能发送:重置该设置。",
    "setting default_transaction_isolation": "并发时会失败重试:重置该设置。",
    "role": "把该角色授予实际登录的用户;角色不存在时用 artery migrate 建立。",
    "vacuum": "artery_monitor.xmin_holders 列出是谁:结束会话、删除复制槽,或处理预备事务。",
    "dead rows": "执行 vacuum (verbose);若清不掉,见“vacuum”一行。",
    "notification queue": "有会话监听后停在事务中;队列满后提交会失败。请结束它。",
    "partitions": "没有分区的行会被拒绝。由清扫步骤 create_partitions 建立;可立即 call artery.tick()。",
    "server": "运行器需要主库:连接串写上所有主机,host=db1,db2。",
    "connections": "用尽后运行器和 ERP 会被拒绝:提高 max_connections,或使用 pgbouncer。",
    "pg_cron": "让 pg_cron 调用 artery.tick():artery.schedule_sweeps();运行器在时会代劳。",
    "sending": _ARM_ZH,
    "secrets": "这些端点的任务在等待:artery vault set。",
}
#: the same: what the subject, or its first word, is called
SUBJECTS_ZH = {
    "extension": "扩展", "setting": "参数", "role": "角色", "suppliers": "供应商", "vacuum": "清理",
    "dead rows": "死行", "notification queue": "通知队列", "partitions": "分区", "server": "服务器",
    "connections": "连接", "secrets": "密钥", "sending": "发送",
}  # fmt: skip


def attention(language: str, line: Row) -> Row:
    """Give a line of artery_monitor.attention() in a language."""
    made = ATTENTION_ZH.get(line["code"]) if language == "zh" else None
    if made is None:
        return line
    values = {name: _value(name, value) for name, value in (line["params"] or {}).items()}
    found, mend = (punctuated(text).format_map(_Known(values)) for text in made)
    return line | {"found": found, "mend": mend}


def set_up(language: str, line: Row) -> Row:
    """Give a line of artery_monitor.doctor() in a language."""
    if language != "zh":
        return line
    subject: str = line["subject"]
    first, _, rest = subject.partition(" ")
    named = SUBJECTS_ZH.get(subject)
    if named is None and first in SUBJECTS_ZH:
        named = f"{SUBJECTS_ZH[first]} {rest.removeprefix('of ')}"
    mend = SET_UP_ZH.get(subject) or SET_UP_ZH.get(first)
    return line | {
        "subject": named or subject,
        "mend": line["mend"] and (punctuated(mend) if mend else line["mend"]),
    }


class _Known(dict[str, str]):
    """What a line does not say is a dash."""

    def __missing__(self, name: str) -> str:
        return "-"


def _value(name: str, value: object) -> str:
    if name == "since" and isinstance(value, str):
        return cell(datetime.fromisoformat(value))[:19]
    return "-" if value is None else str(value)
