# jan/02/1970 00:00:00 by RouterOS 6.49.18
# software id = MNRA-0001
#
# model = RB5009UG+S+
# serial number = HEX08XYZ123
/interface ethernet
set [ find default-name=ether1 ] comment="uplink to the hill" name=wan
/interface list
add comment=defconf name=WAN
add comment=defconf name=LAN
/ip pool
add name=p-late ranges=10.9.0.2-10.9.0.254
add name=p-active next-pool=p-late ranges=100.64.0.10-100.64.3.254
/ppp profile
set *0 comment="who\? me" use-encryption=yes
add address-list=subs-active local-address=100.64.0.1 name=plan-5M only-one=\
    yes rate-limit=2M/5M remote-address=p-active
add name="plan 10M" on-up=\
    ":log info \"up \$user\"\r\
    \n:log info done" rate-limit="10M/10M 0/0 0/0 0/0 8 128k/128k"
/queue simple
add max-limit=5M/20M name=whole priority=1/1 target=10.0.0.5/32,10.0.1.0/24
/queue type
add kind=pcq name=fair pcq-rate=2M
/user group
add name=edge-agent policy="read,write,api,!local,!telnet,!ssh,!ftp,!reboot,!p\
    olicy,!test,!winbox,!password,!web,!sniff,!sensitive,!romon,!dude,!tikapp"
/interface list member
add comment=defconf interface=wan list=WAN
add comment=defconf interface=ether2 list=LAN
/interface pppoe-server server
add disabled=no interface=ether2 one-session-per-host=yes service-name=isp
/ip address
add address=198.51.100.2/30 interface=wan network=198.51.100.0
/ip dns
set allow-remote-requests=yes servers=1.1.1.1,8.8.8.8
/ip firewall address-list
add address=pay.example.com comment=edge-agent list=pay-allow
/ip firewall filter
add action=fasttrack-connection chain=forward comment="defconf: fasttrack" \
    connection-state=established,related
add action=accept chain=forward comment=\
    "defconf: accept established,related, untracked" connection-state=\
    established,related,untracked
add action=drop chain=forward comment="defconf: drop invalid" \
    connection-state=invalid
add action=reject chain=forward comment="edge-agent: expired" log=yes \
    log-prefix=WALL: reject-with=icmp-admin-prohibited src-address-list=\
    subs-expired
/ip firewall nat
add action=masquerade chain=srcnat comment="defconf: masquerade" \
    out-interface-list=WAN
/ip service
set telnet disabled=yes
set api-ssl address=192.168.77.2/32 tls-version=only-1.2
/ppp secret
add name=ann password="p\"w \$1" profile=plan-5M remote-address=100.64.0.20 \
    service=pppoe
add comment="Cut on the 3rd, promised to pay by M-Pesa on Friday, call him bef\
    ore; line\r\
    \nbreak" disabled=yes name="caf\C3\A9" password=x
/system identity
set name="Tower One"
/system scheduler
add interval=1d name=night on-event=nightly policy=\
    ftp,reboot,read,write,policy,test,password,sniff,sensitive,romon \
    start-date=jan/05/2026 start-time=03:00:00
/system script
add comment=kept dont-require-permissions=no name=nightly owner=script \
    policy=ftp,reboot,read,write,policy,test,password,sniff,sensitive,romon \
    source="# every night\
    \n:put ok\
    \n"
