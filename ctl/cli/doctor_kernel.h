/* What this kernel can do, tried out in namespaces of a child process: nothing of it is left and nothing of
 * it is seen outside. */
#ifndef VNETLAB_CLI_DOCTOR_KERNEL_H
#define VNETLAB_CLI_DOCTOR_KERNEL_H

#include <stddef.h>

#define VNL_DOCTOR_TEXT 240

/* Each returns 0, or -errno with the reason in `text`; needs root. On success text may hold what to print. */
int vnl_doctor_netns(char text[VNL_DOCTOR_TEXT]);
int vnl_doctor_veth(char text[VNL_DOCTOR_TEXT]);
int vnl_doctor_bridge(char text[VNL_DOCTOR_TEXT]);
int vnl_doctor_clsact(char text[VNL_DOCTOR_TEXT]);
int vnl_doctor_bpffs(char text[VNL_DOCTOR_TEXT]);
/* A whole lab: two virtual machines up and down again, with the real program. */
int vnl_doctor_lab(char text[VNL_DOCTOR_TEXT]);

#endif
