"""The web proxy: its settings and who may fetch what through it."""

from lab.mikrotik.fields.schema import COMMENT, DISABLED, Field, Menu, flag
from lab.mikrotik.fields.values import boolean, duration, enum, first_of, ip4, ip6, number, size, text

PROXY = Menu(
    path="/ip/proxy",
    singleton=True,
    fields=(
        Field("enabled", boolean, default="false"),
        Field("src-address", first_of(ip4, ip6), default="::"),
        Field("port", text, default="8080"),
        Field("anonymous", boolean, default="false"),
        Field("parent-proxy", first_of(ip4, ip6), default="::"),
        Field("parent-proxy-port", number(0, 65_535), default="0"),
        Field("cache-administrator", default="webmaster"),
        Field("max-cache-size", text, default="unlimited"),
        Field("max-cache-object-size", size, default="2048KiB"),
        Field("cache-on-disk", boolean, default="false"),
        Field("max-client-connections", number(), default="600"),
        Field("max-server-connections", number(), default="600"),
        Field("max-fresh-time", duration(), default="3d"),
        Field("serialize-connections", boolean, default="false"),
        Field("always-from-cache", boolean, default="false"),
        Field("cache-hit-dscp", number(0, 63), default="4"),
        Field("cache-path", default="web-proxy"),
    ),
)

ACCESS = Menu(
    path="/ip/proxy/access",
    ordered=True,
    fields=(
        Field("action", enum("allow", "deny", "redirect", "url-append"), default="allow"),
        Field("hits", read_only=True, default="0"),
        flag("dynamic", absent_when_false=True),
        DISABLED,
        COMMENT,
    ),
)

MENUS = (PROXY, ACCESS)
