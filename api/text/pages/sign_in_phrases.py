"""The words of sign-in: the provider, recovery codes, and what was typed before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SIGN_IN_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "provider_name": ("single sign-on", "公司账号"),
    "provider_sign_in": ("Sign in with {provider}", "使用{provider}登录"),
    "sign_in_password": ("With name and password", "使用用户名和密码登录"),
    "provider_away": (
        "{provider} does not answer at the moment. Try again, or sign in in another way.",
        "{provider}暂时没有响应，请重试，或改用其他方式登录。",
    ),
    "provider_refused": (
        "The sign-in with {provider} was not completed. Please start again.",
        "{provider}登录未完成，请重新登录。",
    ),
    "provider_unknown_agent": (
        "Your account at {provider} has no access to this desk. An administrator can check address, role and team.",
        "你的{provider}账号没有本系统的访问权限，请管理员核对你的邮箱、角色和团队。",
    ),
    "provider_new_tab": (
        "The sign-in opens in a new tab, so that your text stays here. Come back to this tab afterwards.",
        "登录会在新标签页中打开，文字保留在本页。登录后请回到此标签页。",
    ),
    "signed_in_elsewhere": ("I have signed in: go on", "已登录，继续"),
    "not_signed_in_yet": ("You are not signed in yet.", "尚未登录。"),
    "text_waits_form": (
        "What you wrote was not sent: the session had ended. It waits here until you have signed in.",
        "登录已失效，内容尚未提交。登录后可继续提交。",
    ),
    "again_title": ("What you wrote is still here", "你填写的内容还在"),
    "again_hint": (
        "The session had ended when you sent this. Nothing has been saved or sent yet.",
        "提交时登录已失效，内容尚未保存或发送。",
    ),
    "again_send": ("Send it now", "立即提交"),
    "again_drop": ("Do not send it", "不提交"),
    "factor_picture": ("QR code with the key", "密钥二维码"),
    "recovery_codes": ("Recovery codes", "恢复码"),
    "recovery_code": ("Recovery code", "恢复码"),
    "recovery_once": (
        "Each code signs you in once without your authenticator. They are shown only now: keep them in a safe place.",
        "以下十个恢复码可在没有验证器时登录，每个只能用一次。恢复码只显示这一次，请妥善保存，不要与验证器放在同一设备上。",
    ),
    "recovery_stored": ("I have stored them: go on", "已保存，继续"),
    "recovery_lost": ("No access to the authenticator?", "无法使用验证器？"),
    "recovery_hint": ("Enter one of your recovery codes. It counts once.", "请输入一个恢复码，每个恢复码只能用一次。"),
    "recovery_wrong": (
        "This recovery code is wrong, or has been used already.",
        "恢复码不正确，或已使用过。",
    ),
    "recovery_used": ("Signed in with a recovery code", "已用恢复码登录"),
    "recovery_left": ("{count} recovery codes are left.", "还剩 {count} 个恢复码。"),
    "recovery_renew": ("Make new recovery codes", "重新生成恢复码"),
    "recovery_renew_hint": (
        "New codes are made on your own page under Settings, Agents; the old ones stop working.",
        "可在“设置 - 客服”中自己的页面重新生成，旧的恢复码随即失效。",
    ),
    "recovery_renew_code": ("Code of the authenticator", "验证器动态码"),
    "email": ("Mail address", "邮箱"),
    "email_hint": ("For sign-in at the provider, and for mail while away.", "用于公司账号登录和离开时的邮件提醒。"),
    "release_account": ("Unlink the account", "解除账号绑定"),
    "release_account_hint": (
        "This agent is linked to an account at the provider. The next sign-in there links again.",
        "此客服已绑定公司账号。解除后，下次登录时重新绑定。",
    ),
    "done_email": ("Saved.", "已保存。"),
    "done_account": ("Unlinked.", "已解除绑定。"),
}
