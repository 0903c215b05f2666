"""The dynamic rules a running hotspot shows in the firewall, as the manual lists them.

They are there to be printed, counted past and tripped over: what they do is decided in gate.py.
"""


def _rule(chain: str, action: str, **more: str) -> dict[str, str]:
    return {"chain": chain, "action": action} | {name.replace("_", "-"): value for name, value in more.items()}


FILTER = (
    _rule("forward", "jump", jump_target="hs-unauth", hotspot="from-client,!auth"),
    _rule("forward", "jump", jump_target="hs-unauth-to", hotspot="to-client,!auth"),
    _rule("input", "jump", jump_target="hs-input", hotspot="from-client"),
    _rule("hs-input", "jump", jump_target="pre-hs-input"),
    _rule("hs-input", "accept", protocol="udp", dst_port="64872"),
    _rule("hs-input", "accept", protocol="tcp", dst_port="64872-64875"),
    _rule("hs-input", "jump", jump_target="hs-unauth", hotspot="!auth"),
    _rule("hs-unauth", "reject", reject_with="tcp-reset", protocol="tcp"),
    _rule("hs-unauth", "reject", reject_with="icmp-net-prohibited"),
    _rule("hs-unauth-to", "reject", reject_with="icmp-host-prohibited"),
)
NAT = (
    _rule("dstnat", "jump", jump_target="hotspot", hotspot="from-client"),
    _rule("hotspot", "jump", jump_target="pre-hotspot"),
    _rule("hotspot", "redirect", to_ports="64872", protocol="udp", dst_port="53"),
    _rule("hotspot", "redirect", to_ports="64872", protocol="tcp", dst_port="53"),
    _rule("hotspot", "redirect", to_ports="64873", hotspot="local-dst", protocol="tcp", dst_port="80"),
    _rule("hotspot", "redirect", to_ports="64875", hotspot="local-dst", protocol="tcp", dst_port="443"),
    _rule("hotspot", "jump", jump_target="hs-unauth", hotspot="!auth", protocol="tcp"),
    _rule("hotspot", "jump", jump_target="hs-auth", hotspot="auth", protocol="tcp"),
    _rule("hs-unauth", "redirect", to_ports="64874", protocol="tcp", dst_port="80"),
    _rule("hs-unauth", "redirect", to_ports="64874", protocol="tcp", dst_port="3128"),
    _rule("hs-unauth", "redirect", to_ports="64874", protocol="tcp", dst_port="8080"),
    _rule("hs-unauth", "jump", jump_target="hs-smtp", protocol="tcp", dst_port="25"),
    _rule("hs-auth", "redirect", to_ports="64874", hotspot="http", protocol="tcp"),
    _rule("hs-auth", "jump", jump_target="hs-smtp", protocol="tcp", dst_port="25"),
)
