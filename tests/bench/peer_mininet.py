"""peer_mininet.py N: time to start and stop N hosts on Linux-bridge switches (one per 100 hosts, joined in a star).

Run it in namespaces of its own. Prints "up_s SECONDS" and "freed_s SECONDS"."""
import sys
import time

from mininet.log import setLogLevel
from mininet.net import Mininet
from mininet.nodelib import LinuxBridge

setLogLevel("error")
count = int(sys.argv[1])
start = time.monotonic()
net = Mininet(controller=None, switch=LinuxBridge, autoSetMacs=True)
switches = [net.addSwitch("s%d" % (i + 1)) for i in range(max(1, count // 100))]
for other in switches[1:]:
    net.addLink(switches[0], other)
for i in range(count):
    host = net.addHost("h%d" % i, ip="10.%d.%d.%d/8" % (i >> 16 & 255, i >> 8 & 255, (i & 255)))
    net.addLink(host, switches[i % len(switches)])
net.start()
print("up_s %.4f" % (time.monotonic() - start), flush=True)
start = time.monotonic()
net.stop()
print("freed_s %.4f" % (time.monotonic() - start), flush=True)
