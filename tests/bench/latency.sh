# shellcheck shell=bash disable=SC2154
# Delays between regions, sourced by tests/bench/bench: a round trip that a lab asks for, as ping sees it. By netem where the kernel has it,
# else by the agent's delay line (`vnetlab doctor` says which).
#   latency-N/p50_ms, p99_ms   asked: N ms, 300 pings, 10 ms apart

latency_lab() { # MS
    cat <<END
name: $tag-latency
location: westeurope
latency: [{between: [westeurope, eastus2], rtt: $1ms}]
vnets:
  here: {addressSpace: [10.0.0.0/16], subnets: {s: 10.0.0.0/24}, peerings: {p: {remoteVirtualNetwork: there}}}
  there: {location: eastus2, addressSpace: [10.1.0.0/16], subnets: {s: 10.1.0.0/24}, peerings: {p: {remoteVirtualNetwork: here}}}
virtualMachines: {a: {subnet: here/s}, b: {subnet: there/s}}
END
}

latency() {
    local round ms
    for round in $(seq "$life_rounds"); do
        for ms in 2 60; do
            latency_lab "$ms" >"$build/bench/lab.yaml"
            "$vnetlab" up "$build/bench/lab.yaml" >/dev/null
            ip netns exec "$tag-latency.a" ping -c 300 -i 0.01 10.1.0.4 | sed -n 's/.*time=\([0-9.]*\) ms/\1/p' | sort -n |
                awk -v ms="$ms" -v round="$round" '{ t[NR] = $1 } END {
                    print "latency-" ms "/p50_ms vnetlab", round, t[int((NR + 1) / 2)]
                    print "latency-" ms "/p99_ms vnetlab", round, t[int(NR * 0.99)] }' >>"$raw"
            "$vnetlab" down "$tag-latency" >/dev/null
        done
    done
}
