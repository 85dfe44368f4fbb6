// Multiplies [[1,2,3],[4,5,6]] by [[1,2],[3,4],[5,6]] on the GPU and prints the product and the GPU's name.
#include <cstdio>
#include <cuda_runtime.h>

__global__ void product(const float *a, const float *b, float *c) {
  int row = threadIdx.y, column = threadIdx.x;
  float sum = 0;
  for (int k = 0; k < 3; ++k) sum += a[row * 3 + k] * b[k * 2 + column];
  c[row * 2 + column] = sum;
}

int main() {
  const float a[6] = {1, 2, 3, 4, 5, 6}, b[6] = {1, 2, 3, 4, 5, 6};
  float c[4] = {0}, *da, *db, *dc;
  cudaDeviceProp device;
  if (cudaGetDeviceProperties(&device, 0) != cudaSuccess || cudaMalloc(&da, sizeof a) != cudaSuccess ||
      cudaMalloc(&db, sizeof b) != cudaSuccess || cudaMalloc(&dc, sizeof c) != cudaSuccess) {
    std::fprintf(stderr, "%s\n", cudaGetErrorString(cudaGetLastError()));
    return 1;
  }
  cudaMemcpy(da, a, sizeof a, cudaMemcpyHostToDevice);
  cudaMemcpy(db, b, sizeof b, cudaMemcpyHostToDevice);
  product<<<1, dim3(2, 2)>>>(da, db, dc);
  cudaMemcpy(c, dc, sizeof c, cudaMemcpyDeviceToHost);
  if (cudaDeviceSynchronize() != cudaSuccess) {
    std::fprintf(stderr, "%s\n", cudaGetErrorString(cudaGetLastError()));
    return 1;
  }
  std::printf("[[%g, %g], [%g, %g]] on %s\n", c[0], c[1], c[2], c[3], device.name);
  return !(c[0] == 22 && c[1] == 28 && c[2] == 49 && c[3] == 64);
}
