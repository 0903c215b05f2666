/ppp profile set *0 comment="who\? me" use-encryption=yes
/ip pool
add name=p-late ranges=10.9.0.2-10.9.0.254
add name=p-active ranges=100.64.0.10-100.64.3.254 next-pool=p-late
/queue type add name=fair kind=pcq pcq-rate=2M
/ppp profile
add name=plan-5M local-address=100.64.0.1 remote-address=p-active rate-limit=2M/5M only-one=yes address-list=subs-active
add name="plan 10M" rate-limit="10M/10M 0/0 0/0 0/0 8 128k/128k" on-up=":log info \"up \$user\"\r\n:log info done"
/ppp secret
add name=ann password="p\"w \$1" profile=plan-5M remote-address=100.64.0.20 service=pppoe
add name="caf\C3\A9" password=x comment="Cut on the 3rd, promised to pay by M-Pesa on Friday, call him \
    before; line\r\nbreak" disabled=yes
/queue simple add name=whole target=10.0.0.5,10.0.1.0/24 max-limit=5M/20M priority=1/1
/user group add name=edge-agent policy=api,read,write
/user add name=agent group=edge-agent password=secret
/ip service set telnet disabled=yes
/ip service set api-ssl address=192.168.77.2/32 tls-version=only-1.2
/ip dns set allow-remote-requests=yes servers=1.1.1.1,8.8.8.8
/ip firewall address-list
add list=pay-allow address=pay.example.com comment="edge-agent"
add list=short address=10.0.0.9 timeout=1h
/ip firewall filter add chain=forward action=reject reject-with=icmp-admin-prohibited src-address-list=subs-expired \
    comment="edge-agent: expired" log=yes log-prefix=WALL:
/system identity set name="Tower One"
/system script add name=nightly source="# every night\n:put ok\n" comment=kept
/system scheduler add name=night interval=1d start-date=jan/05/2026 start-time=03:00:00 on-event=nightly
/interface set ether1 comment="uplink to the hill" name=wan
