"""The phrases of every page: navigation, sign-in, themes and errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# Key: English, Chinese. `{...}` is filled in.
DESK_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "theme_auto": ("Theme: same as the system", "主题：跟随系统"),
    "theme_light": ("Theme: light", "主题：浅色"),
    "theme_dark": ("Theme: dark", "主题：深色"),
    "supervisor": ("Overview", "数据概览"),
    "yes": ("yes", "是"),
    "no": ("no", "否"),
    "skip": ("Skip to content", "跳到正文"),
    "nav": ("Main", "主导航"),
    "inbox": ("Inbox", "收件箱"),
    "quarantine": ("Quarantine", "异常消息"),
    "channels": ("Channels", "渠道"),
    "sign_in": ("Sign in", "登录"),
    "sign_out": ("Sign out", "退出"),
    "token": ("Access token", "访问令牌"),
    "token_hint": (
        "`omniyard up` shows one on its first start; `omniyard agent add` makes more.",
        "首次运行 `omniyard up` 时会显示一个令牌；用 `omniyard agent add` 可以新增。",
    ),
    "token_wrong": ("This token is not valid.", "该令牌无效或已停用。"),
    "signed_in_as": ("{name}, {role}", "{name}（{role}）"),
    "back": ("Back to the inbox", "返回收件箱"),
    "error": ("Something went wrong", "出错了"),
    "error_not_found": ("There is no such page", "找不到这个页面"),
    "error_forbidden": ("You have no permission for this", "你没有权限"),
    "request_id": ("Request", "请求编号"),
    "switch": ("中文", "English"),
    "role_viewer": ("viewer", "只读"),
    "role_agent": ("agent", "客服"),
    "role_senior": ("senior agent", "资深客服"),
    "role_supervisor": ("supervisor", "主管"),
    "role_auditor": ("auditor", "审计员"),
    "role_admin": ("administrator", "管理员"),
    "problem_bad-request": ("The request cannot be understood.", "请求无法识别，请刷新页面后重试。"),
    "problem_unauthenticated": ("Please sign in.", "请先登录。"),
    "problem_forbidden": ("Your role may not do this.", "你的角色没有此权限。"),
    "problem_not-found": ("There is nothing here.", "这里没有内容：地址有误，或内容已被移除。"),
    "problem_method-not-allowed": ("This address cannot be used so.", "此地址不支持该操作。"),
    "problem_not-acceptable": ("This address has another format.", "此地址不提供所要求的格式。"),
    "problem_timeout": ("It took too long.", "操作超时，请重试。"),
    "problem_conflict": ("It changed since you read it.", "在你查看之后有了变化，请刷新页面后再操作。"),
    "problem_stale": ("It changed since you read it.", "会话已有更新，请先查看。"),
    "problem_length-required": ("The request cannot be understood.", "请求无法识别，请刷新页面后重试。"),
    "problem_too-large": ("It is larger than this desk accepts.", "内容过大，无法接收。"),
    "problem_misdirected": ("This is not this desk's address.", "访问地址不是本系统的地址，请联系系统管理员。"),
    "problem_invalid": ("Something in the form is not valid.", "填写的内容有误，请检查后重试。"),
    "problem_too-many-requests": ("Too many requests; wait a minute.", "操作过于频繁，请稍后再试。"),
    "problem_internal": (
        "The desk has made an error; it was logged.",
        "系统内部错误，已记录。请把请求编号告诉系统管理员。",
    ),
    "problem_unavailable": ("Not available now; try again in a moment.", "系统暂时不可用，请稍后再试。"),
}
