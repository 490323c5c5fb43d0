"""The page's words in the languages it speaks; what has no translation is shown in English."""

from __future__ import annotations

import re

LANGUAGES = {"en": "English", "zh": "中文"}

_FULL_WIDTH = {",": "\uff0c", ";": "\uff1b", ":": "\uff1a"}


def punctuated(text: str) -> str:
    """Give Chinese text, typed with a keyboard's punctuation, the one that Chinese is set with."""
    return re.sub(
        r"(?<=[\u4e00-\u9fff\u201d])[,;:]|[,;:](?=[\u4e00-\u9fff])",
        lambda found: _FULL_WIDTH[found[0]],
        text,
    )


ZH = {
    "Overview": "总览", "Tasks": "任务", "Task": "任务", "Inboxes": "接收区", "Endpoints": "端点",
    "Sagas": "Saga 事务", "Saga": "Saga 事务", "System": "系统", "Pages": "页面",
    "Skip to content": "跳到正文", "live": "实时", "not live": "未连接", "Done:": "已完成:",
    "What needs attention": "需要处理", "Nothing needs attention.": "没有需要处理的问题。",
    "Integrations": "集成通道", "Table": "表格", "topic": "主题", "endpoint": "端点",
    "breaker": "熔断器", "waiting": "等待", "in flight": "发送中", "failed": "失败待重试",
    "held": "挂起", "dead": "已终止", "oldest due": "最早到期", "calls hour": "近一小时调用",
    "p50 ms": "p50 毫秒", "p95 ms": "p95 毫秒", "p99 ms": "p99 毫秒", "last hour": "近一小时",
    "last error": "最近错误", "Calls a minute, last hour; at most": "近一小时每分钟调用数,最多",
    "No route yet: insert into artery.endpoint and artery.route.":
        "还没有路由:请在 artery.endpoint 和 artery.route 中添加。",
    "table name": "表", "parked": "暂存", "rejected": "已拒绝", "outcome": "结果",
    "swept at": "上次处理", "status": "状态", "document id": "单据号", "document type": "单据类型",
    "document": "单据", "error": "错误", "Search": "查询", "attempt": "第几次",
    "attempt {}": "第 {} 次",
    "status code": "状态码", "due at": "到期时间", "created at": "创建时间", "id": "编号",
    "Older": "更早", "No task matches.": "没有符合条件的任务。",
    "on hold": "已暂停", "Put on hold": "暂停发送", "Release": "恢复发送",
    "Put all that match on hold": "全部暂停发送", "Release all that match": "全部恢复发送",
    "Retry all that match": "全部重试", "Retry": "重试", "Cancel": "取消", "Your name": "姓名",
    "Why": "原因", "ordering key": "顺序键", "waits behind an earlier one": "排在前一个之后",
    "reply handler": "回执处理", "What happened": "经过", "at": "时间", "event": "事件",
    "took ms": "耗时毫秒", "who": "谁", "note": "说明", "Request": "请求", "Calls": "调用",
    "DNS, connect, TLS, first byte, total in ms": "DNS、连接、TLS、首字节、总计(毫秒)",
    "No message matches.": "没有符合条件的消息。", "source": "来源", "message id": "消息号",
    "received at": "接收时间", "attempts": "次数", "codes": "代码", "Process again": "重新处理",
    "Reasons": "拒绝原因", "Result": "结果", "Message": "消息", "reason": "原因",
    "waits until": "等待至", "limit": "限速", "Stop calling": "停止调用", "Call again": "恢复调用",
    "No endpoint yet.": "还没有端点。", "Sagas that wait for a person": "等待人工处理的 Saga",
    "No saga waits for anybody.": "没有等待处理的 Saga。", "saga id": "编号", "saga": "事务",
    "step": "步骤", "step status": "步骤状态", "since": "自", "hint": "提示", "detail": "详情",
    "Ask or try again": "查询或重试", "It took effect": "已生效", "It did not": "未生效",
    "Undo all": "全部撤销", "Runners": "运行器", "Sweeps": "定时清扫", "Set-up": "环境检查",
    "No runner. Start one: artery run": "没有运行器。请启动:artery run", "name": "名称",
    "host": "主机", "pid": "进程", "version": "版本", "state": "状态", "started at": "启动时间",
    "seen at": "最近心跳", "every": "间隔", "ended at": "结束时间", "took": "耗时",
    "work": "处理数",
    "failures": "失败次数", "subject": "项目", "found": "现状", "mend": "处理办法",
    "Log in": "登录", "That is not the token.": "令牌不正确。",
    "Token": "令牌",  # nosec B105 - a word
    "It did not work": "操作未成功", "There is no such thing.": "没有这个对象。", "Back": "返回",
    "pending": "待发送", "processing": "发送中", "sent": "已送达", "compensating": "补偿中",
    "compensated": "已补偿", "cancelled": "已取消", "closed": "正常", "open": "已熔断",
    "half_open": "试探中", "disabled": "已停用", "critical": "严重", "warning": "警告",
    "info": "提示", "ok": "正常", "done": "完成", "partial": "部分完成", "overdue": "超期",
    "never run": "从未运行", "idle": "空闲", "working": "工作中", "silent": "失联", "new": "新到",
    "Correct and process again": "更正并重新处理", "corrected": "已更正",
    "Until then it said:": "更正前的内容:", "Why messages are rejected": "拒绝原因统计",
    "code": "代码", "messages": "消息数", "oldest": "最早", "newest": "最新", "sample": "示例",
    "Last calls": "最近调用", "No call in the last day.": "最近一天没有调用。",
    "Breaker": "熔断器变化", "called at": "调用时间", "task id": "任务", "total ms": "总毫秒",
    "from state": "原状态", "to state": "新状态", "Steps": "步骤", "undone by": "撤销方式:",
    "Newest sagas": "最新的 Saga", "key": "业务键", "steps": "步骤数", "Answer": "应答",
    "It did not, give up": "未生效,放弃", "Ask the receiver": "询问接收方",
    "Look further back": "继续向前查找",
    "None of the newest ones matches.": "最新的任务中没有符合条件的。",
    "Times in": "时区:", "complete": "已完成",
    "running": "进行中", "querying": "查询中", "kept": "保留",
    "not yet due": "未到时间",
    "enqueued": "入队", "called": "调用", "called, too late to count": "调用,太迟,不计",
    "retry": "重试", "hold": "暂停发送", "release": "恢复发送",
    "cancel": "取消", "resolve": "人工定论", "due": "到期",
    "waits behind an earlier one of its ordering key": "排在同一顺序键的前一个之后",
    "meaning": "含义", "started": "开始", "stopped": "停止", "compensate": "撤销", "resume": "再试",
    "processed": "已处理", "unknown": "结果未知", "stuck": "撤销失败",
}  # fmt: skip
ZH = {english: punctuated(chinese) for english, chinese in ZH.items()}


def translate(language: str, text: str) -> str:
    """Give a text of the page in a language."""
    return ZH.get(text, text) if language == "zh" else text
