package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"sync"
	"time"

	"github.com/cert-manager/cert-manager/pkg/controller"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/ca"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/selfsigned"
	_ "github.com/cert-manager/cert-manager/pkg/controller/clusterissuers"
	_ "github.com/cert-manager/cert-manager/pkg/controller/issuers"
	_ "github.com/cert-manager/cert-manager/pkg/issuer/ca"
	_ "github.com/cert-manager/cert-manager/pkg/issuer/selfsigned"
)

// runControllers runs the controllers that are wanted, of those that are imported, until it is asked to end.
func runControllers(ctx context.Context, words []string, isWanted func(name string) bool) error {
	flags := flag.NewFlagSet("controllers", flag.ExitOnError)
	kubeconfig := flags.String("kubeconfig", "", "path of the kubeconfig to use")
	namespace := flags.String("cluster-resource-namespace", "cert-manager", "namespace of the Secrets that ClusterIssuers name")
	workers := flags.Int("workers", 5, "workers of each controller; cert-manager's default is 5")
	qps := flags.Float64("qps", 20, "client-side limit, requests a second")
	burst := flags.Int("burst", 50, "client-side burst")
	flags.Parse(words)

	factory, err := controller.NewContextFactory(ctx, controller.ContextOptions{
		Kubeconfig:         *kubeconfig,
		KubernetesAPIQPS:   float32(*qps),
		KubernetesAPIBurst: *burst,
		IssuerOptions:      controller.IssuerOptions{ClusterResourceNamespace: *namespace},
		CertificateOptions: controller.CertificateOptions{CertificateRequestMinimumBackoffDuration: time.Hour},
	})
	if err != nil {
		return fmt.Errorf("build controller context: %w", err)
	}
	root, err := factory.Build()
	if err != nil {
		return fmt.Errorf("build controller context: %w", err)
	}

	var running sync.WaitGroup
	for name, build := range controller.Known() {
		if !isWanted(name) {
			continue
		}
		c, err := build(factory)
		if err != nil {
			return fmt.Errorf("build controller %s: %w", name, err)
		}
		log.Printf("starting %s", name)
		running.Go(func() {
			if err := c.Run(*workers, ctx); err != nil {
				log.Printf("controller %s ended: %v", name, err)
			}
		})
	}
	root.SharedInformerFactory.Start(ctx.Done())
	root.KubeSharedInformerFactory.Start(ctx.Done())
	running.Wait()
	return nil
}
