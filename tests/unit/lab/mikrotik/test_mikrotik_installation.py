"""A tower is set up by an installer's script, certificates included; then packets say whether the script was right."""

from collections.abc import Callable

import pytest

from lab.mikrotik.script import run_script
from tests.unit.lab.mikrotik.conftest import Console

NewConsole = Callable[..., Console]
VERSIONS = ("6.49.18", "7.18.2")
HOSTS = {"pay.tower.example": ["203.0.113.9"], "www.safaricom.co.ke": ["196.201.214.10"]}
WORLD, MINI_PC, ROUTER = "8.8.8.8", "192.168.77.2", "192.168.77.1"

SCRIPT = """
# who it is, what time it is, where the mini-PC hangs
/system identity set name=TWR-KISUMU
/system clock set time-zone-autodetect=no time-zone-name=Africa/Nairobi
/system ntp client set enabled=yes {ntp}
/ip address add interface=ether5 address=192.168.77.1/30 comment="to the mini-PC"
# an authority of its own, and the API's certificate
/certificate add name=tower-ca common-name=tower-ca key-usage=key-cert-sign,crl-sign days-valid=3650
/certificate sign tower-ca
/certificate add name=tower-api common-name=192.168.77.1 subject-alt-name=IP:192.168.77.1 \
    key-usage=digital-signature,key-encipherment,tls-server days-valid=3650
/certificate sign tower-api ca=tower-ca
/certificate export-certificate tower-ca file-name=tower-ca   ;# for the mini-PC to trust
/ip service set api-ssl certificate=tower-api tls-version=only-1.2 address=192.168.77.2/32 disabled=no
/ip service disable api,telnet,ftp,www
/user group add name=agents policy=api,read,write
/user add name=agent group=agents address=192.168.77.2/32 password="hunter2 is no password"
/ip firewall filter
add chain=input action=accept protocol=tcp dst-port=8729 src-address=192.168.77.2 in-interface=ether5 \
    comment="api: agent"
add chain=input action=drop protocol=tcp dst-port=8728-8729 comment="api: nobody else"
# subscribers
/ip pool
add name=paid ranges=100.64.0.10-100.64.3.254
add name=unpaid ranges=100.65.0.10-100.65.3.254
/ppp profile
add name=home-5M local-address=100.64.0.1 remote-address=paid rate-limit=2M/5M only-one=yes address-list=paid
add name=walled local-address=100.65.0.1 remote-address=unpaid rate-limit=256k/256k only-one=yes \
    address-list=unpaid dns-server=100.65.0.1
/interface pppoe-server server
add interface=bridge service-name=homes default-profile=default one-session-per-host=yes \
    keepalive-timeout=10 disabled=no
# who has not paid sees the pay page, and DNS
/ip firewall address-list
add list=pay-page address=192.168.77.2 comment=tower
add list=pay-page address=pay.tower.example comment=tower
/ip firewall nat add chain=dstnat action=dst-nat src-address-list=unpaid dst-address-list=!pay-page protocol=tcp \
    dst-port=80 to-addresses=192.168.77.2 to-ports=8080 comment="wall: page"
/ip firewall filter
add chain=input action=accept protocol=udp dst-port=53 src-address-list=unpaid comment="wall: dns"
add chain=forward action=accept src-address-list=unpaid dst-address-list=pay-page comment="wall: pay"
add chain=forward action=reject reject-with=icmp-admin-prohibited src-address-list=unpaid comment="wall: no"
add chain=forward action=accept src-address=100.64.0.0/22 connection-state=established,related comment="slow: up"
add chain=forward action=accept dst-address=100.64.0.0/22 connection-state=established,related comment="slow: down"
/ip hotspot walled-garden ip add dst-address=192.168.77.2 action=accept comment=tower
/ip hotspot walled-garden ip add dst-host=pay.tower.example action=accept comment=tower
/ip hotspot walled-garden add dst-host=*.safaricom.co.ke action=allow comment=tower
/ip dns set allow-remote-requests=yes
/export file=installed ; /system backup save name=installed
/ppp secret
add name=paying password=pw profile=home-5M
add name=late password=pw profile=walled
"""

HOTSPOT = """
/ip address add address=10.5.50.1/24 interface=ether3
/ip pool add name=guests ranges=10.5.50.10-10.5.50.250
/ip dhcp-server network add address=10.5.50.0/24 gateway=10.5.50.1
/ip dhcp-server add name=guests address-pool=guests interface=ether3 disabled=no
/ip hotspot profile add name=page hotspot-address=10.5.50.1 dns-name=login.tower.example login-by=http-pap
/ip hotspot add name=guests interface=ether3 profile=page disabled=no
/ip hotspot user add name=K7QX password=K7QX
"""

MOVE_UP = "\n".join(
    f'/ip firewall filter move [find comment="{rule}"] destination=[find comment="defconf: fasttrack"]'
    for rule in ("wall: pay", "wall: no", "slow: up", "slow: down")
)


@pytest.fixture(params=VERSIONS)
def tower(request: pytest.FixtureRequest, new_console: NewConsole) -> Console:
    console = new_console(version=request.param, hosts=HOSTS)
    ntp = f"primary-ntp={MINI_PC}" if request.param.startswith("6") else f"servers={MINI_PC},0.africa.pool.ntp.org"
    run_script(console.router, SCRIPT.format(ntp=ntp))
    for user in ("paying", "late"):
        console.router.dial(user, "pw")
    return console


def test_who_pays_reaches_the_world_and_who_does_not_reaches_the_pay_page_and_dns(tower: Console) -> None:
    reach = tower.router.reach
    assert reach("paying", WORLD).reach
    assert reach("paying", WORLD, port=80).to == WORLD
    assert reach("late", WORLD).by == "wall: no"
    assert reach("late", WORLD, "udp", 53).by == "wall: no"
    assert reach("late", "100.65.0.1", "udp", 53).by == "wall: dns"
    for pay_page in (MINI_PC, "203.0.113.9", "pay.tower.example"):
        assert reach("late", pay_page).by == "wall: pay"
    page = reach("late", WORLD, port=80)
    assert (page.reach, page.to, page.port) == (True, MINI_PC, 8080)
    assert reach("late", "pay.tower.example", port=80).to == "203.0.113.9"  # the page itself is led nowhere else
    for user in ("paying", "late"):
        assert reach(user, ROUTER, port=8729).by == "api: nobody else"


def test_a_wall_below_fasttrack_leaves_open_connections_open(tower: Console) -> None:
    """The published incident: the rules were there, below the fasttrack rule."""
    router = tower.router
    assert router.connect("paying", WORLD)
    assert router.connect("paying", WORLD, port=80)
    run_script(router, f"/ip firewall address-list add list=unpaid address={router.sessions.of_user('paying').address}")
    assert router.reach("paying", WORLD).by == "fasttrack"
    assert router.reach("paying", WORLD, port=80).to == WORLD  # NAT asks the first packet only
    assert router.reach("paying", "1.1.1.1").by == "wall: no"
    assert router.reach("paying", "1.1.1.1", port=80).to == MINI_PC
    run_script(router, MOVE_UP)
    assert router.reach("paying", WORLD).by == "fasttrack"  # until it is closed
    run_script(router, "/ip firewall connection remove [find]")
    assert router.reach("paying", WORLD).by == "wall: no"


def test_a_wall_above_fasttrack_stops_open_connections_too(tower: Console) -> None:
    router = tower.router
    run_script(router, MOVE_UP)
    comments = [row.get("comment") for row in tower.rows("/ip/firewall/filter/print", "?chain=forward")]
    assert comments.index("slow: down") + 1 == comments.index("defconf: fasttrack")
    assert router.connect("paying", WORLD)
    assert [row["fasttrack"] for row in tower.rows("/ip/firewall/connection/print")] == ["false"]
    assert router.reach("paying", WORLD).by == "slow: up"
    run_script(router, f"/ip firewall address-list add list=unpaid address={router.sessions.of_user('paying').address}")
    assert router.reach("paying", WORLD).by == "wall: no"


def test_a_guest_sees_the_garden_first_and_the_world_after_his_login(tower: Console) -> None:
    router = tower.router
    run_script(router, HOTSPOT)
    router.plug_in("02:00:00:00:00:07", "ether3", name="phone")
    assert router.reach("phone", WORLD).by == "hotspot: not logged in"
    page = router.reach("phone", WORLD, port=80)
    assert (page.by, page.to) == ("hotspot: login page", "10.5.50.1")
    assert router.reach("phone", WORLD, "udp", 53).by == "hotspot: dns"
    for allowed in (MINI_PC, "pay.tower.example", "www.safaricom.co.ke"):
        assert router.reach("phone", allowed).reach
    assert not router.reach("phone", "www.safaricom.co.ke", "udp", 4_500).reach  # a name is read of HTTP and TLS only
    assert router.reach("phone", "pay.tower.example", "udp", 4_500).reach  # an address is an address
    router.hotspot_login("phone", "K7QX", "K7QX")
    assert router.reach("phone", WORLD).reach
    router.hotspot_logout("phone")
    assert not router.reach("phone", WORLD).reach


def test_the_installation_left_its_certificate_its_export_and_its_backup(tower: Console) -> None:
    files = {row["name"]: row for row in tower.rows("/file/print")}
    assert set(files) == {"tower-ca.crt", "installed.rsc", "installed.backup"}
    authority, api = tower.rows("/certificate/print")
    assert (authority["name"], api["name"], api["ca"]) == ("tower-ca", "tower-api", "tower-ca")
    assert authority["trusted"] == "true"
    services = {row["name"]: row for row in tower.rows("/ip/service/print")}
    assert services["api-ssl"]["certificate"] == "tower-api"
    assert [name for name, row in services.items() if row["disabled"] == "false"] == ["ssh", "winbox", "api-ssl"]
    assert {row["name"]: row["type"] for row in files.values()} == {
        "tower-ca.crt": ".crt file", "installed.rsc": "script", "installed.backup": "backup",
    }  # fmt: skip
    export = tower.router.desk.files.read("installed.rsc")
    assert "\n/ip service\nset telnet disabled=yes\nset ftp disabled=yes\nset www disabled=yes\n" in export


def test_what_a_reboot_keeps_and_what_it_forgets(tower: Console) -> None:
    run_script(tower.router, HOTSPOT)
    run_script(
        tower.router,
        """
/queue simple add name=office target=10.9.0.0/24 max-limit=5M/20M
/ip firewall address-list add list=grace address=100.64.0.99 timeout=1d
/ip hotspot ip-binding add mac-address=02:00:00:00:00:01 type=bypassed
/ip dhcp-server lease add address=10.5.50.9 mac-address=02:00:00:00:00:09 server=guests
/system scheduler add name=nightly interval=1d on-event=":log info night"
""",
    )
    tower.router.plug_in("02:00:00:00:00:07", "ether3", name="phone")
    tower.router.hotspot_login("phone", "K7QX", "K7QX")
    tower.router.connect("paying", WORLD)
    kept = (
        "/ppp/secret", "/ppp/profile", "/ip/pool", "/ip/hotspot/user", "/ip/hotspot/ip-binding", "/certificate",
        "/user", "/ip/firewall/nat", "/system/scheduler",
    )  # fmt: skip
    lost = ("/ppp/active", "/interface/pppoe-server", "/ip/hotspot/active", "/ip/firewall/connection")
    before = {menu: [row.get("name", row.get("comment")) for row in tower.rows(f"{menu}/print")] for menu in kept}
    order = [row.get("comment") for row in tower.rows("/ip/firewall/filter/print", "?dynamic=false")]
    assert all(tower.rows(f"{menu}/print") for menu in lost)
    tower.router.unplug("phone")
    tower.router.go_down("")
    tower.router.come_up()
    assert {
        menu: [row.get("name", row.get("comment")) for row in tower.rows(f"{menu}/print")] for menu in kept
    } == before
    assert [row.get("comment") for row in tower.rows("/ip/firewall/filter/print", "?dynamic=false")] == order
    assert not any(tower.rows(f"{menu}/print") for menu in lost)
    assert [row["name"] for row in tower.rows("/queue/simple/print")] == ["office"]
    assert "grace" not in {row["list"] for row in tower.rows("/ip/firewall/address-list/print")}
    assert "10.5.50.9" in {row["address"] for row in tower.rows("/ip/dhcp-server/lease/print")}
