# shellcheck shell=bash disable=SC2154
# VPN gateways, sourced by tests/bench/bench, whose variables and functions it uses. Two engines carry ESP: the kernel (xfrm) or, where it
# cannot, charon itself (libipsec); what is measured is the one that vnetlab chose, and the hand-made pair has the same one.
#
# Tunnels: N connections (1: two networks; 10: a ring of ten) are a connection resource at both ends, so N tunnels.
#   vpn-up-N/s          no-wait  `vnetlab up --no-wait FILE` as a whole command, on nothing: up itself; the agent is about to begin
#                       up       `vnetlab up FILE` as a whole command, on nothing: returns when all of them are Connected
#   vpn-connect-N/s     the part of "up" that is the wait for Connected: the whole command minus the `seconds` that it says of the rest
#   vpn-memory-N/kb_per_gateway   PSS of all charon processes, by gateway (of a ring each has two connections)
# Path:    vpn-tcp/gbit, one stream, VM to VM, not bound to a CPU (charon has threads):
#   plain       two peered networks, MTU 1400 in the VMs, offloads as they are
#   plain-1400  the same without segmentation offload: packets of MTU size all the way, as in a tunnel
#   hand        two charons by hand, in namespaces and veths of ip(8): a - ga - gb - b, without a bridge between the gateways; vnetlab's own
#               strongswan.conf but for ports and routes, the proposals that vnetlab's two negotiate, TUN as vnetlab's (MTU, queue); UDP
#               buffers are the system's
#   vnetlab     two networks with a gateway each
# The program that measures is in a session of its own: autogroup schedules by session, and VMs' processes are in none of a gateway's. The two
# charons by hand share the bench's session, vnetlab's the agent's.

vpn_ring() { # N: networks with a gateway and a VM each, and N tunnels
    local n=$1 nets=$1 i next
    if [ "$n" -lt 2 ]; then nets=2; fi
    echo "name: $tag-vpn"
    echo "vnets:"
    for i in $(seq "$nets"); do echo "  net$i: {addressSpace: [10.$i.0.0/16], subnets: {default: 10.$i.0.0/24, GatewaySubnet: 10.$i.255.0/27}}"; done
    echo "virtualNetworkGateways:"
    for i in $(seq "$nets"); do echo "  gw$i: {vnet: net$i, sku: VpnGw1}"; done
    echo "connections:"
    for i in $(seq "$n"); do
        next=$((i % nets + 1))
        echo "  to$i: {virtualNetworkGateway1: gw$i, virtualNetworkGateway2: gw$next, sharedKey: bench}"
        echo "  from$i: {virtualNetworkGateway1: gw$next, virtualNetworkGateway2: gw$i, sharedKey: bench}"
    done
    echo "virtualMachines:"
    for i in $(seq "$nets"); do echo "  vm$i: {subnet: net$i/default}"; done
}

charons() { # NETNS: their PIDs
    local pid
    for pid in $(ip netns pids "$1"); do
        if [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = charon-systemd ]; then echo "$pid"; fi
    done
}

vpn_memory() { # N ROUND
    local gateways=$1 i pid
    if [ "$1" -lt 2 ]; then gateways=2; fi
    for i in $(seq "$gateways"); do
        for pid in $(charons "$tag-vpn.gw$i"); do cat "/proc/$pid/smaps_rollup"; done
    done | awk -v n="$gateways" -v row="vpn-memory-$1/kb_per_gateway" -v round="$2" '/^Pss:/ { kb += $2 } END { print row, "vnetlab", round, kb / n }' >>"$raw"
}

vpn_times() { # N ROUND
    local t alone all work
    vpn_ring "$1" >"$build/bench/lab.yaml"
    t=$(now)
    "$vnetlab" up --no-wait "$build/bench/lab.yaml" >/dev/null
    alone=$(since "$t")
    "$vnetlab" down "$tag-vpn" >/dev/null
    t=$(now)
    "$vnetlab" up -o json "$build/bench/lab.yaml" >"$build/bench/up.txt" 2>&1 || return 1 # one is not Connected
    all=$(since "$t")
    work=$(sed -n 's/^ *"seconds": *\([0-9.]*\).*/\1/p' "$build/bench/up.txt")
    vpn_memory "$1" "$2"
    "$vnetlab" down "$tag-vpn" >/dev/null
    {
        echo "vpn-up-$1/s no-wait $2 $alone"
        echo "vpn-up-$1/s up $2 $all"
        awk -v n="$1" -v r="$2" -v a="$work" -v b="$all" 'BEGIN { print "vpn-connect-" n "/s vnetlab", r, b - a }'
    } >>"$raw"
}

# --- by hand ---------------------------------------------------------------------------------------------------------

hand_links() { # a 10.1.0.4 - ga 10.1.0.1, 198.51.100.1 - gb 198.51.100.2, 10.2.0.1 - b 10.2.0.4
    local n=1 x
    for x in a b; do
        plain_ns "hand-$x"
        plain_ns "hand-g$x"
        ip netns exec "$tag-hand-g$x" sysctl -qw net.ipv4.ip_forward=1
        ip link add eth0 netns "$tag-hand-$x" type veth peer name eth0 netns "$tag-hand-g$x"
        ip -n "$tag-hand-$x" addr add "10.$n.0.4/24" dev eth0
        ip -n "$tag-hand-g$x" addr add "10.$n.0.1/24" dev eth0
        ip -n "$tag-hand-$x" link set eth0 up
        ip -n "$tag-hand-g$x" link set eth0 up
        ip -n "$tag-hand-$x" route add default via "10.$n.0.1" advmss 1350 # as vnetlab's gateways clamp it
        n=$((n + 1))
    done
    ip link add eth1 netns "$tag-hand-ga" type veth peer name eth1 netns "$tag-hand-gb"
    ip -n "$tag-hand-ga" addr add 198.51.100.1/24 dev eth1
    ip -n "$tag-hand-gb" addr add 198.51.100.2/24 dev eth1
    ip -n "$tag-hand-ga" link set eth1 up
    ip -n "$tag-hand-gb" link set eth1 up
}

hand_connection() { # LOCAL REMOTE EXTRA
    cat <<EOC
connections { net { version = 2
    local_addrs = $1
    remote_addrs = $2
    proposals = aes256-sha1-modp1024
    mobike = no
    $3
    local { auth = psk
        id = $1 }
    remote { auth = psk
        id = $2 }
    children { net { local_ts = 0.0.0.0/0
            remote_ts = 0.0.0.0/0
            esp_proposals = aes256gcm16 } } } }
secrets { ike-net { id-1 = $2
    secret = bench } }
EOC
}

# hand_end A|B LOCAL REMOTE FAR: one gateway, with a copy of the configuration that vnetlab's has
hand_end() {
    local dir=$build/bench/hand-$1 ns=$tag-hand-g$1 conf tun extra="encap = yes"
    mkdir -p "$dir"
    conf=$(find "$VNETLAB_RUN_DIR/$tag-vpn/vpn/gw1" -name strongswan.conf | head -n 1)
    sed 's/^\( *port\) = .*/\1 = 500/; s/^\( *port_nat_t\) = .*/\1 = 4500/' "$conf" >"$dir/strongswan.conf"
    if ! grep -q kernel-libipsec "$conf"; then
        extra="if_id_in = 1
    if_id_out = 1"
        ip -n "$ns" link add vpn1 type xfrm dev eth1 if_id 1
    fi
    hand_connection "$2" "$3" "$extra" >"$dir/swanctl.conf"
    cp /usr/sbin/charon-systemd "$dir/" # distributions confine the program by its path
    (cd "$dir" && STRONGSWAN_CONF=strongswan.conf exec ip netns exec "$ns" ./charon-systemd >/dev/null 2>&1) &
    echo $! >"$dir/pid"
    until [ -S "$dir/vici" ] && (cd "$dir" && swanctl --load-all --noprompt --file swanctl.conf --uri unix://vici) >"$dir/load.txt" 2>&1; do
        if ! kill -0 "$(cat "$dir/pid")" 2>/dev/null; then return 1; fi
        sleep 0.05
    done
    tun=$(ip -n "$ns" -o link show | sed -n 's/^[0-9]*: \(ipsec[0-9]*\|vpn1\)[:@].*/\1/p')
    ip -n "$ns" link set "$tun" mtu 1400 txqueuelen 5000 up
    ip -n "$ns" route add "$4" dev "$tun"
}

hand_stop() {
    local x
    for x in a b; do
        if [ -e "$build/bench/hand-$x/pid" ]; then kill "$(cat "$build/bench/hand-$x/pid")" 2>/dev/null || true; fi
        for ns in "$tag-hand-$x" "$tag-hand-g$x"; do ip netns del "$ns" 2>/dev/null || true; done
        rm -rf "$build/bench/hand-$x"
    done
}

# The copied configuration is of the lab that runs.
make_hand() {
    hand_links
    hand_end a 198.51.100.1 198.51.100.2 10.2.0.0/24 || return 1
    hand_end b 198.51.100.2 198.51.100.1 10.1.0.0/24 || return 1
    (cd "$build/bench/hand-a" && swanctl --initiate --child net --timeout 5 --uri unix://vici) >"$build/bench/hand-a/load.txt" 2>&1
}

# --- all of it -------------------------------------------------------------------------------------------------------

make_plain_labs() {
    local kind vm
    for kind in plain plain-1400; do
        cat >"$build/bench/lab.yaml" <<EOF2
name: $tag-$kind
vnets:
  left: {addressSpace: [10.1.0.0/16], subnets: {default: 10.1.0.0/24}, peerings: {to-right: {remoteVirtualNetwork: right}}}
  right: {addressSpace: [10.2.0.0/16], subnets: {default: 10.2.0.0/24}, peerings: {to-left: {remoteVirtualNetwork: left}}}
virtualMachines: {vm1: {subnet: left/default}, vm2: {subnet: right/default}}
EOF2
        "$vnetlab" up "$build/bench/lab.yaml" >/dev/null
        for vm in vm1 vm2; do ip -n "$tag-$kind.$vm" link set eth0 mtu 1400; done
    done
}

vpn() {
    # shellcheck disable=SC2034 # `measure` reads it
    local apart="setsid --wait"
    local round n variant paths="plain plain-1400 hand vnetlab"
    for round in $(seq "$life_rounds"); do
        for n in 1 10; do
            echo "vpn: $n connections, round $round of $life_rounds" >&2
            vpn_times "$n" "$round" && continue
            echo "bench: not all of them are Connected: this round is left out" >&2
            cat "$build/bench/up.txt" >&2
            "$vnetlab" down "$tag-vpn" >/dev/null
        done
    done
    vpn_ring 1 >"$build/bench/lab.yaml"
    "$vnetlab" up "$build/bench/lab.yaml" >/dev/null
    make_hand || { echo "bench: no tunnel by hand: left out" >&2; cat "$build"/bench/hand-*/load.txt >&2; paths="plain plain-1400 vnetlab"; }
    make_plain_labs
    for round in $(seq "$rounds"); do
        echo "vpn: traffic, round $round of $rounds" >&2
        for variant in $paths; do
            if [ "$variant" = plain-1400 ]; then measure vpn-tcp "$round" "$variant" tcp -o; else measure vpn-tcp "$round" "$variant" tcp; fi
        done
    done
    hand_stop
    "$vnetlab" down --all >/dev/null
}
